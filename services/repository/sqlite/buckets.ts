/** Reads buckets of one GPU. Call all functions inside `database.read` or `database.write`. */
import { hourStartMs, nextHourStartMs } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { type Bucket, type Span, unpackBucket } from "../bucket.ts";
import type { Database, Row } from "./database.ts";
import type { EvidenceTable } from "./evidence-table.ts";
import type { SeriesLists } from "./series-lists.ts";

export interface GpuKey {
  readonly id: number;
  readonly uuid: GpuUuid;
}

/** Rows in the first query of a read, because most reads need few. Each further query fetches 4 times as many. */
const FIRST_FETCH = 4;
const LARGEST_FETCH = 256;

export interface Buckets {
  /** Yields buckets that overlap the span, in descending order of `to`. `lists`: ids of series lists; default: all. */
  newestFirst(gpu: GpuKey, span: Span, lists?: readonly number[]): Iterable<Bucket>;
  /** Yields the same buckets in ascending order of `from`. */
  oldestFirst(gpu: GpuKey, span: Span, lists?: readonly number[]): Iterable<Bucket>;
  /** Finds times at which buckets of the GPU end. */
  readonly ends: {
    /** Returns the last end before `time`. */
    before(gpu: GpuKey, time: number): number | undefined;
    /** Returns the first end at or after `time`. */
    from(gpu: GpuKey, time: number): number | undefined;
  };
}

export function createBuckets(database: Database, seriesLists: SeriesLists, evidenceTable: EvidenceTable): Buckets {
  const load = database.prepare("SELECT packed FROM columns WHERE id = ?");
  const heads = "SELECT last_at, hash, span, list, columns, evidence FROM buckets WHERE gpu = ?1";
  const touching = "AND last_at >= ?2 AND last_at - span <= ?3";
  const ofLists = "AND (?4 IS NULL OR list IN (SELECT value FROM json_each(?4)))";
  const descending = database.prepare(
    `${heads} ${touching} ${ofLists} AND (last_at, hash) < (?5, ?6) ORDER BY last_at DESC, hash DESC LIMIT ?7`,
  );
  const ascending = database.prepare(`${heads} ${touching} ${ofLists} AND last_at < ?5 ORDER BY last_at - span, hash`);
  const endBefore = database.prepare(
    "SELECT last_at FROM buckets WHERE gpu = ? AND last_at < ? ORDER BY last_at DESC LIMIT 1",
  );
  const endFrom = database.prepare(
    "SELECT last_at FROM buckets WHERE gpu = ? AND last_at >= ? ORDER BY last_at LIMIT 1",
  );

  const bucketOf = ({ uuid }: GpuKey, [to, , span, list, columns, evidence]: Row): Bucket => {
    const from = (to as number) - (span as number);
    return {
      from,
      to: to as number,
      series: seriesLists.seriesOf(list as number),
      unpack: (wanted) => unpackBucket(uuid, from, load.get(columns as number)?.[0] as Uint8Array, wanted),
      evidence: () => evidenceTable.of(evidence as number),
    };
  };
  const chosen = (lists: readonly number[] | undefined) => (lists === undefined ? null : JSON.stringify(lists));

  return {
    *newestFirst(gpu, { from, to }, lists) {
      // No bucket crosses the start of an hour, so every bucket that overlaps the span ends before the hour of `to` is
      // over.
      let end = nextHourStartMs(to);
      let hash = 0;
      for (let fetch = FIRST_FETCH; ; fetch = Math.min(fetch * 4, LARGEST_FETCH)) {
        const rows = descending.all(gpu.id, from, to, chosen(lists), end, hash, fetch);
        for (const row of rows) yield bucketOf(gpu, row);
        const last = rows.at(-1);
        if (last === undefined || rows.length < fetch) return;
        [end, hash] = last as [number, number];
      }
    },
    *oldestFirst(gpu, { from, to }, lists) {
      for (let start = from; ; ) {
        const end = endFrom.get(gpu.id, start)?.[0] as number | undefined;
        if (end === undefined || hourStartMs(end) > to) return;
        const next = nextHourStartMs(end);
        for (const row of ascending.all(gpu.id, start, to, chosen(lists), next)) yield bucketOf(gpu, row);
        start = next;
      }
    },
    ends: {
      before: (gpu, time) => endBefore.get(gpu.id, time)?.[0] as number | undefined,
      from: (gpu, time) => endFrom.get(gpu.id, time)?.[0] as number | undefined,
    },
  };
}
