/** Bounds the series of one metric and GPU in each scrape of a target. */
import { explodedLabel } from "../../../schema/dcgm/exploded-label.ts";
import type { RowIdentity } from "../../../schema/dcgm/row.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";

/** The labelled series of one metric and GPU that a target has. */
export interface SeriesRoom {
  readonly key: string;
  /** Lines of the target's body that are in this room. */
  lines: number;
  /** Number of the scrape that `accepted` belongs to. */
  scrape: number;
  readonly accepted: Set<Series>;
  refusal: string | undefined;
}

/**
 * Counts each scrape anew, so that series which come and go, such as those of pods, never fill the room for good. The
 * series that a body lists first have the places.
 */
export class SeriesRooms {
  readonly #max: number;
  readonly #rooms = new Map<string, SeriesRoom>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Returns the room of a line that the target has from now on; undefined for the one series without labels. */
  enter({ facts, series }: Pick<RowIdentity, "facts" | "series">): SeriesRoom | undefined {
    if (!series.includes("{")) return undefined;
    const key = `${facts.uuid} ${metricOf(series)}`;
    const room = this.#rooms.get(key) ?? { key, lines: 0, scrape: 0, accepted: new Set(), refusal: undefined };
    room.lines++;
    this.#rooms.set(key, room);
    return room;
  }

  /** Forgets a line that the target no longer has. */
  leave(room: SeriesRoom | undefined): void {
    if (room !== undefined && --room.lines === 0) this.#rooms.delete(room.key);
  }

  /** Takes a place for a series in the scrape. Returns undefined, or why there is none. */
  refusal(room: SeriesRoom | undefined, series: Series, scrape: number): string | undefined {
    if (room === undefined) return undefined;
    if (room.scrape !== scrape) {
      room.scrape = scrape;
      room.accepted.clear();
    }
    if (room.accepted.size < this.#max || room.accepted.has(series)) {
      room.accepted.add(series);
      return undefined;
    }
    const [gpu, metric] = room.key.split(" ");
    room.refusal ??=
      `series of ${metric} on ${gpu} must be at most ${this.#max} (MAX_SERIES_PER_METRIC), got more by label ` +
      explodedLabel(room.accepted);
    return room.refusal;
  }
}
