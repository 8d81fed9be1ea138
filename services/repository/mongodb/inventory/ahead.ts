/** Sightings that are ahead of the clock: they count when their time comes. */
import type { Block, Sighting } from "../../../../schema/batch/batch.ts";
import { timesOfColumns } from "../../../../schema/batch/columns.ts";

/**
 * How many sightings ahead of the clock to remember; the oldest are dropped, and the next reading makes up for them.
 */
const AHEAD_MAX = 10_000;

export class SightingsAhead {
  #ahead: Sighting[] = [];

  get isEmpty(): boolean {
    return this.#ahead.length === 0;
  }

  /** Returns the part of the sighting that counts, if any, and keeps the rest. @param blocks readings of its batch */
  add(sighting: Sighting, last: number, blocks: readonly Block[]): Sighting | undefined {
    if (sighting.to <= last) return sighting;
    const { from, to, facts } = sighting;
    const times = blocks
      .filter((block) => block.gpu === facts.uuid && block.to >= from && block.from <= to)
      .flatMap(({ packed }) => [...timesOfColumns(packed)])
      .filter((time) => time >= from && time <= to);
    const later = times.filter((time) => time > last).map((time) => ({ ...sighting, from: time, to: time }));
    this.#ahead = [...this.#ahead, ...later].slice(-AHEAD_MAX);
    const until = Math.max(...times.filter((time) => time <= last));
    return until >= from ? { ...sighting, to: until } : undefined;
  }

  /** Returns the sightings whose time has come, and forgets them. */
  take(last: number): Sighting[] {
    const due = this.#ahead.filter(({ from }) => from <= last);
    if (due.length > 0) this.#ahead = this.#ahead.filter(({ from }) => from > last);
    return due;
  }
}
