/** Reads columns: the buckets of one GPU with one question, as many as a part takes. */
import { hourStartMs } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { ColumnMerge, type Span } from "../../column-merge.ts";
import type { ColumnsPart, ColumnsRepository } from "../../columns.ts";
import type { Link } from "../connection/link.ts";
import type { Buckets } from "./buckets.ts";

/** Documents per round trip. A part needs most of them, and each has one tick or many. */
const FETCH = 256;
/** Time limit of one part. */
const LIMIT_MS = 60_000;

interface Progress {
  readonly columns: ColumnsPart["columns"];
  /** Where the next part begins; undefined after the last one. */
  readonly next: number | undefined;
}

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
  ): Promise<Progress> => {
    const merge = new ColumnMerge(metrics, span, onDiffering);
    for await (const bucket of buckets.oldestFirst(gpu, span, { signal, fetch: FETCH, limitMs: LIMIT_MS })) {
      if (!merge.add(bucket)) return { columns: merge.end(), next: hourStartMs(bucket.to) };
    }
    return { columns: merge.end(), next: undefined };
  };

  return async function* columns(gpus, { metrics, window, signal }) {
    const to = Math.ceil(window.to) - 1;
    for (const gpu of new Set(gpus)) {
      for (let from: number | undefined = Math.ceil(window.from); from !== undefined && from <= to; ) {
        signal?.throwIfAborted();
        const span: Span = { from, to };
        const part: Progress = await call((callSignal) => readPart(gpu, metrics, span, callSignal), {
          signal,
          limitMs: LIMIT_MS,
        });
        if (part.columns.length > 0) yield { gpu, columns: part.columns };
        from = part.next;
      }
    }
  };
}
