/** The graph's type `DeadLetter`: a batch that failed for good, with a preview of its content. */
import { decodeBatch, sizeOfBatch } from "../../schema/batch/codec.ts";
import { fail, ok, type Result } from "../../schema/model/result.ts";
import type { SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import { oncePerKey } from "../platform/process/once-per-key.ts";
import { type ListedLetter, type ListedPage, PREVIEWS } from "./letter-lists.ts";

const MAX_NAMES = 100;
/** Larger batches have no preview, so that decoding one takes at most a few dozen megabytes. */
const MAX_PREVIEW_READINGS = 131_072;
const MAX_PREVIEW_BYTES = 8 * 1024 * 1024;
const SHOWN = `At most ${MAX_NAMES}.`;

/** What a preview shows of a batch. It does not hold the batch, because an answer has the previews of a whole page. */
interface Preview {
  readonly readings: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly gpuCount: number;
  readonly gpus: readonly string[];
  readonly seriesCount: number;
  readonly series: readonly string[];
}

function previewOf({ body, budget }: ListedLetter): Result<Preview> {
  const size = sizeOfBatch(body);
  if (!size.ok) return size;
  const { readings: declared, bodyBytes } = size.value;
  if (declared > MAX_PREVIEW_READINGS || bodyBytes > MAX_PREVIEW_BYTES) {
    return fail(
      `No preview: the batch must have at most ${MAX_PREVIEW_READINGS} readings and ${MAX_PREVIEW_BYTES} bytes, got ${declared} readings and ${bodyBytes} bytes`,
    );
  }
  if (declared > budget.readings || bodyBytes > budget.bytes) {
    return fail(
      `No preview: the previews of one operation must have at most ${PREVIEWS.readings} readings and ${PREVIEWS.bytes} bytes together, got more; list fewer`,
    );
  }
  budget.readings -= declared;
  budget.bytes -= bodyBytes;
  const batch = decodeBatch(body);
  if (!batch.ok) return batch;
  const { readings, firstAt, lastAt, series, blocks } = batch.value;
  const gpus = new Set(blocks.map(({ gpu }) => gpu));
  return ok({
    readings,
    firstAt,
    lastAt,
    gpuCount: gpus.size,
    gpus: [...gpus].slice(0, MAX_NAMES),
    seriesCount: series.length,
    series: series.slice(0, MAX_NAMES),
  });
}

function addPreview(builder: SubgraphBuilder) {
  return builder.objectRef<Preview>("BatchPreview").implement({
    description: "The content of a batch.",
    fields: (t) => ({
      readings: t.exposeInt("readings"),
      firstAt: t.expose("firstAt", { type: "DateTime", description: "Time of the first reading." }),
      lastAt: t.expose("lastAt", { type: "DateTime", description: "Time of the last reading." }),
      gpuCount: t.exposeInt("gpuCount", { description: "Number of GPUs with readings in the batch." }),
      gpus: t.idList({ description: SHOWN, resolve: ({ gpus }) => [...gpus] }),
      seriesCount: t.exposeInt("seriesCount", { description: "Number of series." }),
      series: t.stringList({ description: SHOWN, resolve: ({ series }) => [...series] }),
    }),
  });
}

export function addDeadLetterPage(builder: SubgraphBuilder) {
  // Two fields need the preview, so it is made once per letter.
  const read = oncePerKey(previewOf);
  const preview = addPreview(builder);
  const letterType = builder.objectRef<ListedLetter>("DeadLetter").implement({
    description: "A batch that failed for good. It is kept until an operator returns it to the queue or deletes it.",
    fields: (t) => ({
      id: t.exposeID("id"),
      producer: t.exposeString("producer"),
      epoch: t.exposeFloat("epoch", {
        description: "Number of the producer's life that published the batch; a whole number.",
      }),
      seq: t.exposeFloat("seq", { description: "Number of the batch within its producer; a whole number." }),
      readings: t.exposeFloat("readings", {
        description: "Number of readings, as the producer counted them; a whole number.",
      }),
      bytes: t.exposeInt("bytes"),
      attempts: t.exposeInt("attempts", {
        description: "Number of failed deliveries, including expired leases; released deliveries do not count.",
      }),
      reason: t.string({
        description: "Why the last attempt failed.",
        // A reason may contain the store's address. The collector's log shows the address; the graph hides it.
        resolve: ({ reason }) => reason.replace(/\b[a-z][a-z+.-]*:\/\/[^\s;]+?(?=:?(\s|;|$))/gi, "its address"),
      }),
      publishedAt: t.expose("publishedAt", { type: "DateTime" }),
      diedAt: t.expose("diedAt", { type: "DateTime" }),
      preview: t.field({
        type: preview,
        nullable: true,
        description:
          "Null if the batch cannot be decoded or is too large for a preview, alone or after those before it in the operation; " +
          "`undecodable` says why.",
        resolve: (letter) => {
          const outcome = read(letter);
          return outcome.ok ? outcome.value : null;
        },
      }),
      undecodable: t.string({
        nullable: true,
        description: "Why there is no preview; null if there is one.",
        resolve: (letter) => {
          const outcome = read(letter);
          return outcome.ok ? null : outcome.error;
        },
      }),
    }),
  });
  return builder.objectRef<ListedPage>("DeadLetterPage").implement({
    fields: (t) => ({
      letters: t.field({ type: [letterType], description: "Oldest first.", resolve: ({ letters }) => [...letters] }),
      total: t.exposeInt("total", { description: "Number of dead letters in all." }),
      next: t.exposeString("next", {
        nullable: true,
        description: "Pass as `after` for the next page; null if this page is the last.",
      }),
    }),
  });
}
