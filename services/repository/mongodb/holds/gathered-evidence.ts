/** Reads the stored evidence of one GPU that a recompute needs. */
import { type Evidence, trackOf } from "../../../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { type HolderSet, holderKey, NOBODY } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { EarlierHolders } from "../../holds/bucket-evidence.ts";
import { EvidenceCollector, type GpuEvidence } from "../../holds/timeline.ts";
import type { StoredBucket } from "../readings/bucket-documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { joined } from "./steady.ts";

/** How many readings of each series a recompute looks back. */
const READINGS_BACK = 42;
/**
 * How many buckets a recompute looks back at most. Rare series would otherwise lead to reading all that is stored of
 * the GPU; their older readings cannot change holds that are open now.
 */
const BUCKETS_BACK_MAX = 1000;
/** Documents per round trip. */
const FETCH = 64;

export interface Gathered {
  readonly evidence: GpuEvidence;
  /** The keys of the holders that the newest reading of each series named, joined. */
  readonly named: ReadonlyMap<Series, string>;
}

export interface GatherOptions {
  /** New evidence begins here. */
  readonly since: number;
  /** Later readings do not count yet. */
  readonly until: number;
  /** Evidence of buckets whose documents have none, by bucket id. */
  readonly incoming: ReadonlyMap<string, Evidence | null>;
  /** Returns whom the rows of buckets without evidence named; called at most once. */
  readonly earlier: () => Promise<EarlierHolders>;
  readonly signal: AbortSignal;
}

/** Returns the holders of a column by tick; called with ascending ticks. */
function byTrack(evidence: Evidence, column: number): (tick: number) => HolderSet {
  const track = trackOf(evidence, column);
  let run = 0;
  return (tick) => {
    while (run + 1 < track.length && (track[run + 1]?.tick ?? 0) <= tick) run++;
    return evidence.sets[(track[run]?.set ?? 0) - 1] ?? NOBODY;
  };
}

class Gatherer {
  readonly #collector = new EvidenceCollector();
  readonly #newest = new Map<Series, { at: number; key: string }>();
  readonly #readings = new Map<Series, number>();
  readonly #options: GatherOptions;
  #earlier: Promise<EarlierHolders> | undefined;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  async add(bucket: StoredBucket): Promise<void> {
    const { at, values, marks } = bucket.unpack();
    const { incoming } = this.#options;
    const stored = bucket.evidence();
    const evidence = stored === undefined ? incoming.get(bucket.id) : stored;
    if (evidence === undefined) this.#earlier ??= this.#options.earlier();
    const earlier = await this.#earlier;
    const marked = new Set(marks);
    for (const [column, series] of bucket.series.entries()) {
      const holdersAt =
        evidence === undefined
          ? (tick: number) => earlier?.(at[tick] as number) ?? NOBODY
          : evidence === null
            ? () => NOBODY
            : byTrack(evidence, column);
      const cells = values[column] as Float64Array;
      for (let tick = 0; tick < at.length; tick++) {
        const isMark = marked.has(column * at.length + tick);
        if (!isMark && Number.isNaN(cells[tick])) continue;
        if ((at[tick] as number) > this.#options.until) break;
        this.#observe(series, at[tick] as number, holdersAt(tick), isMark);
      }
    }
  }

  #observe(series: Series, at: number, holders: HolderSet, isMark: boolean): void {
    this.#collector.add({ series, at, holders, isMark });
    const newest = this.#newest.get(series);
    if (newest === undefined || at >= newest.at) {
      this.#newest.set(series, { at, key: isMark ? "" : joined(holders.map(holderKey)) });
    }
    const known = this.#readings.get(series) ?? 0;
    if (at < this.#options.since && !isMark) this.#readings.set(series, known + 1);
    else if (known === 0) this.#readings.set(series, 0);
  }

  get isEnough(): boolean {
    return [...this.#readings.values()].every((readings) => readings >= READINGS_BACK);
  }

  gathered(): Gathered {
    const named = new Map([...this.#newest].map(([series, { key }]) => [series, key]));
    return { evidence: this.#collector.evidence(), named };
  }
}

/** Reads the evidence from `since` on, and as much before it as decisions about gaps need. */
export async function gatherEvidence(buckets: Buckets, gpu: GpuUuid, options: GatherOptions): Promise<Gathered> {
  const gatherer = new Gatherer(options);
  const reach = { signal: options.signal, fetch: FETCH };
  const after = { from: options.since, to: options.until };
  if (options.until >= options.since) {
    for await (const bucket of buckets.oldestFirst(gpu, after, reach)) await gatherer.add(bucket);
  }
  let read = 0;
  const before = { from: Number.NEGATIVE_INFINITY, to: Math.min(options.since - 1, options.until) };
  for await (const bucket of buckets.newestFirst(gpu, before, reach)) {
    await gatherer.add(bucket);
    if (++read >= BUCKETS_BACK_MAX || gatherer.isEnough) break;
  }
  return gatherer.gathered();
}
