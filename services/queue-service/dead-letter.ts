/** The graph's type `DeadLetter`: a batch that failed for good, with a preview of its content. */
import type { Batch } from "../../schema/batch/batch.ts";
import { decodeBatch } from "../../schema/batch/codec.ts";
import type { SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import { oncePerKey } from "../platform/process/once-per-key.ts";
import type { DeadLetter, DeadLetterPage } from "../queue/port.ts";

const MAX_NAMES = 100;
const SHOWN = `At most ${MAX_NAMES}.`;

function addPreview(builder: SubgraphBuilder) {
  const gpusOf = ({ blocks }: Batch) => new Set(blocks.map(({ gpu }) => gpu));
  return builder.objectRef<Batch>("BatchPreview").implement({
    description: "The content of a batch.",
    fields: (t) => ({
      readings: t.exposeInt("readings"),
      firstAt: t.expose("firstAt", { type: "DateTime", description: "Time of the first reading." }),
      lastAt: t.expose("lastAt", { type: "DateTime", description: "Time of the last reading." }),
      gpuCount: t.int({
        description: "Number of GPUs with readings in the batch.",
        resolve: (batch) => gpusOf(batch).size,
      }),
      gpus: t.idList({ description: SHOWN, resolve: (batch) => [...gpusOf(batch)].slice(0, MAX_NAMES) }),
      seriesCount: t.int({ description: "Number of series.", resolve: ({ series }) => series.length }),
      series: t.stringList({ description: SHOWN, resolve: ({ series }) => series.slice(0, MAX_NAMES) }),
    }),
  });
}

export function addDeadLetterPage(builder: SubgraphBuilder) {
  // Two fields need the decoded body.
  const decode = oncePerKey(({ body }: DeadLetter) => decodeBatch(body));
  const preview = addPreview(builder);
  const letterType = builder.objectRef<DeadLetter>("DeadLetter").implement({
    description: "A batch that failed for good. It is kept until an operator returns it to the queue or deletes it.",
    fields: (t) => ({
      id: t.exposeID("id"),
      producer: t.exposeString("producer"),
      epoch: t.exposeFloat("epoch", {
        description: "Number of the producer's life that published it; a whole number.",
      }),
      seq: t.exposeFloat("seq", { description: "Number of the batch within its producer; a whole number." }),
      readings: t.exposeFloat("readings", {
        description: "Number of readings, as the producer counted them; a whole number.",
      }),
      bytes: t.exposeInt("bytes"),
      attempts: t.exposeInt("attempts", { description: "Number of times it was delivered to a collector." }),
      reason: t.string({
        description: "Why the last attempt failed.",
        // A reason may contain the store's address. The collector logs it; here it is hidden.
        resolve: ({ reason }) => reason.replace(/\b[a-z][a-z+.-]*:\/\/[^\s;]+?(?=:?(\s|;|$))/gi, "its address"),
      }),
      publishedAt: t.expose("publishedAt", { type: "DateTime" }),
      diedAt: t.expose("diedAt", { type: "DateTime" }),
      preview: t.field({
        type: preview,
        nullable: true,
        description: "Null when the batch cannot be decoded; `undecodable` says why.",
        resolve: (letter) => {
          const batch = decode(letter);
          return batch.ok ? batch.value : null;
        },
      }),
      undecodable: t.string({
        nullable: true,
        description: "Why the batch cannot be decoded; null when it can.",
        resolve: (letter) => {
          const batch = decode(letter);
          return batch.ok ? null : batch.error;
        },
      }),
    }),
  });
  return builder.objectRef<DeadLetterPage>("DeadLetterPage").implement({
    fields: (t) => ({
      letters: t.field({ type: [letterType], description: "Oldest first.", resolve: ({ letters }) => [...letters] }),
      total: t.exposeInt("total", { description: "Number of dead letters in all." }),
      next: t.exposeString("next", {
        nullable: true,
        description: "Pass as `after` for the next page; null when this was the last.",
      }),
    }),
  });
}
