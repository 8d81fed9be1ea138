/** Reads columns: the buckets of one GPU with one question, as many as a part takes. */
import { hourStartMs } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Span } from "../../bucket.ts";
import { ColumnMerge, type PartRead, partsOf } from "../../column-merge.ts";
import type { ColumnsRepository } from "../../columns.ts";
import type { Link } from "../connection/link.ts";
import type { Buckets } from "./buckets.ts";

/** Documents per round trip. A part needs most of them, and each has one tick or many. */
const FETCH = 256;
/** Time limit of one part. */
const LIMIT_MS = 60_000;

export function createColumns(
  { call }: Pick<Link, "call">,
  buckets: Pick<Buckets, "oldestFirst">,
  onDiffering: () => void,
): ColumnsRepository["columns"] {
  const readPart = async (
    gpu: GpuUuid,
    metrics: readonly string[],
    span: Span,
    signal: AbortSignal,
  ): Promise<PartRead> => {
    const merge = new ColumnMerge(metrics, span, onDiffering);
    for await (const bucket of buckets.oldestFirst(gpu, span, { signal, fetch: FETCH, limitMs: LIMIT_MS })) {
      if (!merge.add(bucket)) return { columns: merge.end(), next: hourStartMs(bucket.to) };
    }
    return { columns: merge.end(), next: undefined };
  };

  return (gpus, query) =>
    partsOf(gpus, query, (gpu, span) =>
      call((signal) => readPart(gpu, query.metrics, span, signal), { signal: query.signal, limitMs: LIMIT_MS }),
    );
}
