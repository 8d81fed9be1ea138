/** Reads the stored evidence of one GPU that a recompute needs. */
import { type Evidence, trackOf } from "../../../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { type HolderSet, holderKey, NOBODY } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { EarlierHolders } from "../../holds/bucket-evidence.ts";
import { EvidenceCollector, type GpuEvidence } from "../../holds/timeline.ts";
import type { Link } from "../connection/link.ts";
import type { StoredBucket } from "../readings/bucket-documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { abreast } from "./abreast.ts";
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
const FETCH_TOGETHER = 1000;
/** How many documents to read of several GPUs together, about 1 KB each. */
const TOGETHER_MAX = 30_000;
/** How far before the new readings to read at first. With an interval of 15 s, 42 readings take 10 minutes. */
const WINDOW_MS = 900_000;
/** Time limit of a read. */
const READ_LIMIT_MS = 60_000;

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

type Request = readonly [GpuUuid, GatherOptions];

/** Reads the evidence from `since` on, and as much before it as decisions about gaps need, of each GPU. */
export async function gatherEvidence(
  link: Pick<Link, "call" | "poolSize">,
  buckets: Buckets,
  asked: ReadonlyMap<GpuUuid, GatherOptions>,
): Promise<ReadonlyMap<GpuUuid, Gathered>> {
  const { call } = link;
  const gathered = new Map<GpuUuid, Gathered>();

  /** Returns false if the requests have too many documents to be read together. */
  const readRecent = (requests: readonly Request[], gatherers: ReadonlyMap<GpuUuid, Gatherer>, from: number) =>
    call(
      async (signal) => {
        const to = Math.max(...requests.map(([, { until }]) => until));
        const reach = { signal, fetch: FETCH_TOGETHER, limitMs: READ_LIMIT_MS };
        let read = 0;
        for await (const [gpu, bucket] of buckets.ofGpus([...gatherers.keys()], { from, to }, reach)) {
          if (++read > TOGETHER_MAX && requests.length > 1) return false;
          await gatherers.get(gpu)?.add(bucket);
        }
        return true;
      },
      { limitMs: READ_LIMIT_MS },
    );

  const gather = async (requests: readonly Request[]): Promise<void> => {
    const gatherers = new Map(requests.map(([gpu, options]) => [gpu, new Gatherer(options)]));
    const from = Math.min(...requests.map(([, { since }]) => since)) - WINDOW_MS;
    if (!(await readRecent(requests, gatherers, from))) {
      const half = requests.length >> 1;
      await gather(requests.slice(0, half));
      await gather(requests.slice(half));
      return;
    }
    const lacking = [...gatherers].filter(([, gatherer]) => !gatherer.isEnough).map(([gpu]) => gpu);
    const older = lacking.length === 0 ? [] : await call((signal) => buckets.gpusBefore(lacking, from, signal));
    await abreast(link, older, (gpu) =>
      call((signal) => gatherOlder(gatherers.get(gpu) as Gatherer, { buckets, gpu, before: from, signal }), {
        limitMs: READ_LIMIT_MS,
      }),
    );
    for (const [gpu, gatherer] of gatherers) gathered.set(gpu, gatherer.gathered());
  };

  const groups = Map.groupBy(asked, ([, { since }]) => Math.floor(since / WINDOW_MS));
  for (const requests of groups.values()) await gather(requests);
  return gathered;
}

async function gatherOlder(
  gatherer: Gatherer,
  { buckets, gpu, before, signal }: { buckets: Buckets; gpu: GpuUuid; before: number; signal: AbortSignal },
): Promise<void> {
  let read = 0;
  const span = { from: Number.NEGATIVE_INFINITY, to: before - 1 };
  for await (const bucket of buckets.newestFirst(gpu, span, { signal, fetch: FETCH, limitMs: READ_LIMIT_MS })) {
    // Those that reach further have been read.
    if (bucket.to >= before) continue;
    await gatherer.add(bucket);
    if (++read >= BUCKETS_BACK_MAX || gatherer.isEnough) break;
  }
}
