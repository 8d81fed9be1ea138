/**
 * What a process remembers of the holders of one GPU, to recognize the blocks that change nothing: nearly all of them.
 * Every other block leads to a recompute. A block that is let through by mistake would be lost to the holds, so each
 * doubt leads to a recompute, too.
 */
import type { Columns } from "../../../../schema/batch/columns.ts";
import { type Evidence, trackOf } from "../../../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { holderKey } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { HoldRecord } from "../../holds/derive.ts";
import { seriesParts } from "../../holds/series-parts.ts";
import { SHORTEST_SILENCE_MS } from "../../holds/silence.ts";
import { holdId } from "./hold-documents.ts";
import { beatOf } from "./pulses.ts";

/** Readings of one GPU with the holders that they named. */
export interface NamedBlock {
  /** Time of the first reading. */
  readonly from: number;
  readonly series: readonly Series[];
  readonly columns: Columns;
  /** Null: no row named a holder. */
  readonly evidence: Evidence | null;
}

interface OpenHold {
  /** See `beatOf`. */
  readonly beat: string;
  to: number;
}

/** Open holds of the card or of an instance, by holder. */
type OpenHolds = Map<string, OpenHold>;

export interface SteadyState {
  readonly gpu: GpuUuid;
  readonly turn: number;
  readonly since: number;
  /** Holds that have not ended. */
  readonly open: readonly HoldRecord[];
  /** The keys of the holders that the newest reading of each series named, joined. */
  readonly named: ReadonlyMap<Series, string>;
}

/** Joins the keys of a set of holders. */
export const joined = (keys: readonly string[]): string => keys.join();

/** Returns the holders that all rows of a column named, as keys; undefined if they changed. */
function constantKeys(evidence: Evidence | null, column: number): readonly string[] | undefined {
  if (evidence === null) return [];
  const track = trackOf(evidence, column);
  if (track.length > 1) return undefined;
  const set = track[0]?.set ?? 0;
  return set === 0 ? [] : (evidence.sets[set - 1] ?? []).map(holderKey);
}

interface Reach {
  readonly first: number;
  readonly last: number;
  readonly hasSilence: boolean;
}

/** Returns from when to when a column has readings; undefined if it has none. */
function reachOf(at: Float64Array, cells: Float64Array): Reach | undefined {
  let first: number | undefined;
  let last = Number.NaN;
  let hasSilence = false;
  for (let tick = 0; tick < at.length; tick++) {
    if (Number.isNaN(cells[tick])) continue;
    const time = at[tick] as number;
    first ??= time;
    hasSilence ||= time - last >= SHORTEST_SILENCE_MS;
    last = time;
  }
  return first === undefined ? undefined : { first, last, hasSilence };
}

export class Steady {
  /** Turn of the GPU's writers up to which this is valid. */
  readonly turn: number;
  /** Nothing has changed since this time; blocks before it lead to a recompute. */
  readonly since: number;
  readonly #named: Map<Series, string>;
  readonly #instances = new Map<Series, string | null>();
  readonly #open = new Map<string | null, OpenHolds>();

  constructor({ gpu, turn, since, open, named }: SteadyState) {
    this.turn = turn;
    this.since = since;
    this.#named = new Map(named);
    for (const hold of open) {
      const ofEntity = this.#open.get(hold.instance) ?? new Map<string, OpenHold>();
      const known = { beat: beatOf(holdId(gpu, hold)), to: hold.to };
      this.#open.set(hold.instance, ofEntity.set(holderKey(hold.holder), known));
    }
  }

  #instanceOf(series: Series): string | null {
    let instance = this.#instances.get(series);
    if (instance === undefined) {
      ({ instance } = seriesParts(series));
      this.#instances.set(series, instance);
    }
    return instance;
  }

  /**
   * False if the block lacks readings of a known replica of one of its series: the holder of the replica may have
   * ended. Replicas count as one series, which goes on.
   */
  #hasAllReplicas(series: readonly Series[], values: Columns["values"]): boolean {
    if (!series.some((name) => name.includes('vgpu="'))) return true;
    const present = new Set(series.filter((_, column) => values[column]?.some((cell) => !Number.isNaN(cell))));
    const merged = new Set(series.map((name) => seriesParts(name).merged));
    return this.#named.keys().every((name) => present.has(name) || !merged.has(seriesParts(name).merged));
  }

  /** The open holds and up to when they last. */
  *held(): Generator<readonly [beat: string, to: number]> {
    for (const holds of this.#open.values()) for (const { beat, to } of holds.values()) yield [beat, to];
  }

  /** If the block only extends open holds, records it and returns true. */
  admits(block: NamedBlock): boolean {
    const { from, series, evidence } = block;
    if (from <= this.since) return false;
    if (evidence === null && this.#open.size === 0 && this.#named.size === 0) return true;
    const { at, values, marks } = block.columns;
    if (this.#open.size > 0 && marks.length > 0) return false;
    if (!this.#hasAllReplicas(series, values)) return false;
    const extended = new Map<OpenHold, number>();
    const added = new Map<Series, string>();
    for (const [column, name] of series.entries()) {
      const reach = reachOf(at, values[column] as Float64Array);
      if (reach === undefined) continue;
      const keys = constantKeys(evidence, column);
      const open = this.#open.get(this.#instanceOf(name));
      const known = this.#named.get(name);
      if (keys === undefined) return false;
      if (known === undefined ? keys.length !== (open?.size ?? 0) : known !== joined(keys)) return false;
      if (keys.length > 0 && reach.hasSilence) return false;
      for (const key of keys) {
        const hold = open?.get(key);
        if (hold === undefined || reach.first - hold.to >= SHORTEST_SILENCE_MS) return false;
        extended.set(hold, Math.max(extended.get(hold) ?? hold.to, reach.last));
      }
      if (known === undefined) added.set(name, joined(keys));
    }
    const end = at.at(-1) as number;
    for (const holds of this.#open.values()) {
      for (const hold of holds.values()) if (!extended.has(hold) && end - hold.to >= SHORTEST_SILENCE_MS) return false;
    }
    for (const [hold, to] of extended) hold.to = to;
    for (const [name, key] of added) this.#named.set(name, key);
    return true;
  }
}
