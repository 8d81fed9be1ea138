/** The graph's dead letter: what is known of a batch that failed for good, and what it says. */
import type { Batch } from "../../schema/batch/batch.ts";
import { decodeBatch } from "../../schema/batch/codec.ts";
import type { SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import { oncePerKey } from "../platform/process/once-per-key.ts";
import type { DeadLetter, DeadLetterPage } from "../queue/port.ts";

const MAX_NAMES = 100;
const SHOWN = `At most ${MAX_NAMES} of them.`;

function addPreview(builder: SubgraphBuilder) {
  const gpusOf = ({ blocks }: Batch) => new Set(blocks.map(({ gpu }) => gpu));
  return builder.objectRef<Batch>("BatchPreview").implement({
    description: "What is in a batch.",
    fields: (t) => ({
      readings: t.exposeInt("readings"),
      firstAt: t.expose("firstAt", { type: "DateTime", description: "Time of its first reading." }),
      lastAt: t.expose("lastAt", { type: "DateTime", description: "Time of its last reading." }),
      gpuCount: t.int({ description: "How many GPUs it has readings of.", resolve: (batch) => gpusOf(batch).size }),
      gpus: t.idList({ description: SHOWN, resolve: (batch) => [...gpusOf(batch)].slice(0, MAX_NAMES) }),
      seriesCount: t.int({ description: "How many series it has.", resolve: ({ series }) => series.length }),
      series: t.stringList({ description: SHOWN, resolve: ({ series }) => series.slice(0, MAX_NAMES) }),
    }),
  });
}

export function addDeadLetterPage(builder: SubgraphBuilder) {
  // Two fields need the decoded body.
  const decode = oncePerKey(({ body }: DeadLetter) => decodeBatch(body));
  const preview = addPreview(builder);
  const letterType = builder.objectRef<DeadLetter>("DeadLetter").implement({
    description: "A batch that failed for good. It stays until it is sent back or deleted.",
    fields: (t) => ({
      id: t.exposeID("id"),
      producer: t.exposeString("producer"),
      epoch: t.exposeFloat("epoch", { description: "Which life of its producer; a whole number." }),
      seq: t.exposeFloat("seq", { description: "Its number there; a whole number." }),
      readings: t.exposeFloat("readings", { description: "As its producer said; a whole number." }),
      bytes: t.exposeInt("bytes"),
      attempts: t.exposeInt("attempts", { description: "How often it was handed to a collector." }),
      reason: t.string({
        description: "Why the last attempt failed.",
        // It may name the store's address, which the log of the collector has.
        resolve: ({ reason }) => reason.replace(/\b[a-z][a-z+.-]*:\/\/[^\s;]+?(?=:?(\s|;|$))/gi, "its address"),
      }),
      publishedAt: t.expose("publishedAt", { type: "DateTime" }),
      diedAt: t.expose("diedAt", { type: "DateTime" }),
      preview: t.field({
        type: preview,
        nullable: true,
        description: "null: it cannot be decoded; `undecodable` says why.",
        resolve: (letter) => {
          const batch = decode(letter);
          return batch.ok ? batch.value : null;
        },
      }),
      undecodable: t.string({
        nullable: true,
        description: "Why it cannot be decoded; null when it can.",
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
      total: t.exposeInt("total", { description: "All that are there." }),
      next: t.exposeString("next", {
        nullable: true,
        description: "Pass as `after` for the next page; null when this was the last.",
      }),
    }),
  });
}
