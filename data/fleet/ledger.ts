/**
 * States what each GPU, instance and holder of a simulated fleet really did. The ledger is made from the plan of the
 * fleet, not from printed rows.
 *
 * `occupancies` are what happened: a holder had the device in `[from, to)`, whether a reading shows it or not.
 *
 * `holds` and `placements` are what the readings can tell, by these rules. Both ends are times of readings, inclusive.
 *
 * - A hold begins at the first reading that names the holder and ends at the last one before a reading without it. It
 *   is therefore at most one interval shorter at each end than the occupancy.
 * - A stay that no reading names leaves no hold. Two stays of one holder are one hold if no reading between them lacks
 *   the holder, and no silence divides them.
 * - A silence (no reading of any series that named the holder in this hold) ends a hold if it is longer than three
 *   usual intervals and at least five minutes. The usual interval is the median of up to 20 distances on each side of
 *   the silence; of an even number of distances the median is the mean of the middle two. A reading that names the
 *   holder after such a silence begins another hold, also where the holder has never left.
 * - `open` means that the hold had not ended by the newest reading of the GPU (of all its series and instances). A lost
 *   GPU has no newer reading, so its last holds stay open.
 * - MIG rows name holders of instances (`instance` is GPU_I_ID); a card in MIG mode has no hold of its own.
 * - With a lookback, rows repeated by Prometheus count as readings, as they do in the file: a holder whose successor
 *   follows at once is named until its last repeated row, an idle GPU's repeated row hides the next holder of a series
 *   that is also printed without holders, and placements last until the last repeated row.
 * - A placement ends with the card's first reading elsewhere (`moved`), or with the first reading in its slot of a card
 *   that is new to the host (`replaced`). A card that returns to its slot before that has never left.
 * - Without the label UUID a GPU is a slot: its id is `HOST-<host>-<index>`, and swaps of cards do not show.
 *
 * The exporters of `--serve` show readings without a time, so the scraper's times count there.
 */
import type { Stay } from "./cards.ts";
import { uuidOf } from "./cards.ts";
import { type FleetEvent, fleetEvents } from "./events.ts";
import { evidenceOf } from "./evidence.ts";
import type { Holder } from "./holder.ts";
import { deriveHolds } from "./holds.ts";
import { occupanciesOf } from "./occupancies.ts";
import type { FleetOptions } from "./options.ts";
import { derivePlacements, type Visit } from "./placements.ts";
import { FleetState } from "./state.ts";

/** All times are ms since the epoch. */
export interface Ledger {
  readonly options: FleetOptions;
  readonly placements: readonly Placement[];
  readonly holds: readonly Hold[];
  readonly occupancies: readonly Occupancy[];
  readonly events: readonly FleetEvent[];
}

export interface Placement {
  /** `GPU-<uuid>`, or `HOST-<host>-<index>` where the fleet drops the uuid. */
  readonly gpu: string;
  /** Name of the host, or `<cluster>:<host>` where hosts have a cluster. */
  readonly host: string;
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly ended: "moved" | "replaced" | null;
  /** At the end of the simulation the card is still placed here, but silent while a sibling reports. */
  readonly lost: boolean;
}

export interface Hold {
  readonly gpu: string;
  /** GPU_I_ID, or null for a whole GPU. */
  readonly instance: string | null;
  readonly holder: Holder;
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
}

export interface Occupancy {
  readonly gpu: string;
  readonly instance: string | null;
  readonly holder: Holder;
  /** `[from, to)` */
  readonly from: number;
  readonly to: number;
}

/** As many ticks as tell the usual interval. */
const TAIL = 21;

export function buildLedger(options: FleetOptions): Ledger {
  const state = new FleetState(options);
  const { startMs, intervalMs } = options;
  const timeOf = (tick: number): number => startMs + tick * intervalMs;
  const names = new GpuNames(state);
  const holds: Hold[] = [];
  const occupancies: Occupancy[] = [];
  const visits: Visit[] = [];
  for (const stays of names.gpus()) {
    const gpu = names.of(stays[0]!);
    const { ticks, tracks, holders } = evidenceOf(state, stays);
    for (const [instance, list] of tracks) {
      for (const { key, from, to, open } of deriveHolds(list, ticks.at(-1)!, intervalMs)) {
        holds.push({ gpu, instance, holder: holders.get(key)!, from: timeOf(from), to: timeOf(to), open });
      }
    }
    for (const stay of stays) {
      visits.push(...visitOf(stay, ticks, stays, intervalMs));
      for (const { instance, holder, from, to } of occupanciesOf(state, stay)) {
        occupancies.push({ gpu, instance, holder, from: startMs + from, to: startMs + to });
      }
    }
  }
  const placements = derivePlacements(visits, intervalMs).map(({ card, host, index, from, to, ended, lost }) => ({
    gpu: names.byNumber(card),
    host: state.hosts[host]!.id,
    index,
    from: timeOf(from),
    to: timeOf(to),
    ended,
    lost,
  }));
  return { options, placements, holds, occupancies, events: fleetEvents(state, names) };
}

/** Ticks between the beginning of a stay and the next one of the same GPU. */
function visitOf(stay: Stay, ticks: readonly number[], stays: readonly Stay[], intervalMs: number): Visit[] {
  const nextMs = stays[stays.indexOf(stay) + 1]?.from ?? Number.POSITIVE_INFINITY;
  const own = ticks.filter((tick) => tick * intervalMs >= stay.from && tick * intervalMs < nextMs);
  const [first, last] = [own[0], own.at(-1)];
  return first === undefined || last === undefined ? [] : [{ stay, first, last, tail: own.slice(-TAIL) }];
}

/** Names GPUs as their readings do: by the card, or by the slot where the uuid is dropped. */
class GpuNames {
  readonly #state: FleetState;
  readonly #byCard: boolean;

  constructor(state: FleetState) {
    this.#state = state;
    this.#byCard = !state.options.dropLabels.includes("UUID");
  }

  /** The stays of each GPU in order of time. Without uuids, a stay's `card` is the number of the slot. */
  *gpus(): Generator<Stay[], void, void> {
    const { stays } = this.#state.history;
    if (this.#byCard) {
      yield* Map.groupBy(stays.flat(), (stay) => stay.card)
        .values()
        .map((own) => own.toSorted((a, b) => a.from - b.from));
      return;
    }
    for (const [slot, own] of stays.entries()) if (own.length > 0) yield own.map((stay) => ({ ...stay, card: slot }));
  }

  of(stay: { readonly card: number; readonly host: number; readonly index: number }): string {
    return this.#byCard ? uuidOf(this.#state.options.seed, stay.card) : this.#slotName(stay.host, stay.index);
  }

  byNumber(number: number): string {
    const { seed, gpusPerHost } = this.#state.options;
    if (this.#byCard) return uuidOf(seed, number);
    return this.#slotName(Math.floor(number / gpusPerHost), number % gpusPerHost);
  }

  #slotName(host: number, index: number): string {
    return `HOST-${this.#state.hosts[host]!.id}-${index}`;
  }
}
