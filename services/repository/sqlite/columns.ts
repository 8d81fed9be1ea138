/** Reads columns: the buckets of one GPU with one statement, as many as a part takes. */
import { setImmediate } from "node:timers/promises";
import { hourStartMs, nextHourStartMs } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { type Bucket, type Span, unpackBucket } from "../bucket.ts";
import { ColumnMerge, type PartRead, partsOf } from "../column-merge.ts";
import type { ColumnsRepository } from "../columns.ts";
import type { Database, Row } from "./database.ts";
import type { ListChoice } from "./list-choice.ts";
import type { Tables } from "./tables.ts";

/** Rows of one fetch, about 1 KB each. */
const FETCH = 256;

export function createColumns(
  database: Database,
  { seriesLists, evidenceTable }: Pick<Tables, "seriesLists" | "evidenceTable">,
  { listChoice, onDiffering }: { listChoice: ListChoice; onDiffering: () => void },
): ColumnsRepository["columns"] {
  const find = database.prepare("SELECT id FROM gpus WHERE uuid = ?");
  const fetchRows = database.prepare(`
    SELECT last_at, hash, span, list, packed, evidence
    FROM buckets JOIN columns ON columns.id = buckets.columns
    WHERE gpu = ?1 AND (last_at, hash) > (?2, ?3) AND last_at < ?4 AND last_at - span <= ?5
      AND (?6 IS NULL OR list IN (SELECT value FROM json_each(?6)))
    ORDER BY last_at, hash LIMIT ${FETCH}
  `);

  const bucketOf = (uuid: GpuUuid, [to, , span, list, packed, evidence]: Row): Bucket => {
    const from = (to as number) - (span as number);
    return {
      from,
      to: to as number,
      series: seriesLists.seriesOf(list as number),
      unpack: (wanted) => unpackBucket(uuid, from, packed as Uint8Array, wanted),
      evidence: () => evidenceTable.of(evidence as number),
    };
  };

  /** Call inside `database.read`. */
  const readPart = (uuid: GpuUuid, metrics: readonly string[], span: Span): PartRead => {
    const nothing = { columns: [], next: undefined };
    const id = find.get(uuid)?.[0] as number | undefined;
    if (id === undefined) return nothing;
    const lists = listChoice(id, metrics);
    if (lists?.length === 0) return nothing;
    const chosen = lists === undefined ? null : JSON.stringify(lists);
    const merge = new ColumnMerge(metrics, span, onDiffering);
    let [at, hash] = [span.from - 1, Number.MAX_SAFE_INTEGER];
    for (;;) {
      const rows = fetchRows.all(id, at, hash, nextHourStartMs(span.to), span.to, chosen);
      for (const row of rows) {
        const bucket = bucketOf(uuid, row);
        if (!merge.add(bucket)) return { columns: merge.end(), next: hourStartMs(bucket.to) };
      }
      if (rows.length < FETCH) return { columns: merge.end(), next: undefined };
      [at, hash] = rows.at(-1) as [number, number];
    }
  };

  return (gpus, query) =>
    partsOf(gpus, query, async (gpu, span) => {
      const part = await database.read(() => readPart(gpu, query.metrics, span), { signal: query.signal });
      // SQLite answers at once, so other work would wait for the last part.
      await setImmediate();
      return part;
    });
}
