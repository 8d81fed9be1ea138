/** Subgraph `pipeline`: the queue's figures and its dead letters, which an operator may redrive or delete. */
import type { GraphQLSchema } from "graphql";
import { parseLimit, refuse } from "../../schema/model/arguments.ts";
import { LETTER_PAGE } from "../../schema/model/page.ts";
import { createSubgraphBuilder, type SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import type { Clock } from "../platform/process/clock.ts";
import { QUEUE_COUNTERS, type Queue, type QueueCounter, type QueueStats } from "../queue/port.ts";
import { COUNTER_TEXTS } from "./counters.ts";
import { addDeadLetterPage } from "./dead-letter.ts";
import { createLetterLists } from "./letter-lists.ts";
import { createQueueWatch, type QueueRates } from "./watch.ts";

interface NamedQueue extends QueueStats {
  readonly name: string;
  readonly rates: QueueRates | null;
}

export interface PipelineParts {
  readonly queue: Pick<Queue, "stats" | "deadLetters">;
  readonly clock: Clock;
}

const QUEUE_NAME = "readings";
const RATE = "per second, over the last second; null in queries, and until the counters have been read twice.";

/** GraphQL's Int ends at 2,147,483,647. A figure that may be larger is a Float with a whole number. */
function addQueue(builder: SubgraphBuilder) {
  const counters = builder.objectRef<QueueStats["counters"]>("QueueCounters").implement({
    description: "Totals since the queue was created; whole numbers.",
    fields: (t) =>
      Object.fromEntries(
        QUEUE_COUNTERS.map((name) => [name, t.exposeFloat(name, { description: COUNTER_TEXTS[name] })]),
      ) as Record<QueueCounter, ReturnType<typeof t.exposeFloat>>,
  });
  return builder.objectRef<NamedQueue>("Queue").implement({
    description: "A queue of batches between streamers and collectors.",
    fields: (t) => ({
      name: t.exposeString("name"),
      ready: t.exposeInt("ready", { description: "Batches that wait for a collector." }),
      leased: t.exposeInt("leased", { description: "Batches that are leased to a collector." }),
      delayed: t.exposeInt("delayed", { description: "Batches that failed and wait for their next attempt." }),
      dead: t.exposeInt("dead", { description: "Dead letters." }),
      bytes: t.exposeFloat("bytes", { description: "Bytes of ready, leased and delayed batches; a whole number." }),
      oldestAgeSeconds: t.float({
        description: "Age of the oldest ready batch; 0 when no batch is ready.",
        resolve: ({ oldestAgeMs }) => oldestAgeMs / 1000,
      }),
      orphans: t.exposeInt("orphans", {
        description: "Batches that will never be delivered; more than 0 is a defect.",
      }),
      counters: t.field({ type: counters, resolve: (queue) => queue.counters }),
      publishedPerSecond: t.float({
        nullable: true,
        description: `Batches accepted ${RATE}`,
        resolve: ({ rates }) => rates?.publishedPerSecond ?? null,
      }),
      ackedPerSecond: t.float({
        nullable: true,
        description: `Batches stored and removed ${RATE}`,
        resolve: ({ rates }) => rates?.ackedPerSecond ?? null,
      }),
    }),
  });
}

export function createPipelineSchema({ queue, clock }: PipelineParts): GraphQLSchema {
  const builder = createSubgraphBuilder();
  const queueType = addQueue(builder);
  const watchQueue = createQueueWatch(queue, clock);
  const page = addDeadLetterPage(builder);
  const listLetters = createLetterLists(queue, clock);
  const named = (ids: readonly string[] | null | undefined): readonly string[] | undefined =>
    ids === null ? refuse("ids", null, "a list of ids (leave it out for all dead letters)") : ids;

  // All fields are nullable, so that during an outage of this subgraph an answer keeps the other subgraphs' fields.
  builder.queryFields((t) => ({
    queues: t.field({
      type: [queueType],
      nullable: true,
      resolve: async () => [{ name: QUEUE_NAME, rates: null, ...(await queue.stats()) }],
    }),
    deadLetters: t.field({
      type: page,
      nullable: true,
      description: "Batches that failed for good. A page may hold fewer than `limit` although more follow: see `next`.",
      args: {
        limit: t.arg.int({ defaultValue: LETTER_PAGE.default }),
        after: t.arg.string({ description: "The `next` of the previous page." }),
      },
      resolve: (_root, { limit, after }, context) =>
        listLetters({ limit: parseLimit(limit, LETTER_PAGE), after: after ?? undefined }, context),
    }),
  }));
  builder.subscriptionType({
    fields: (t) => ({
      queues: t.field({
        type: [queueType],
        description:
          "Sends the figures at once, then once a second; a slow reader gets only the newest. While the queue is " +
          "unavailable, no events are sent; the subscription resumes by itself.",
        subscribe: (_root, _args, { signal }) => watchQueue(signal),
        resolve: ({ stats, rates }) => [{ name: QUEUE_NAME, rates, ...stats }],
      }),
    }),
  });
  builder.mutationType({
    fields: (t) => ({
      redriveDeadLetters: t.int({
        description:
          "Returns dead letters to the queue with all attempts left, oldest first, as many as there is room for. The " +
          "result is the number returned.",
        args: { ids: t.arg.idList({ description: "At most 1,000; all dead letters if left out." }) },
        resolve: (_root, { ids }) => queue.deadLetters.redrive(named(ids)),
      }),
      purgeDeadLetters: t.int({
        description: "Deletes dead letters for good. The result is the number deleted.",
        args: { ids: t.arg.idList({ description: "At most 1,000; all dead letters if left out." }) },
        resolve: (_root, { ids }) => queue.deadLetters.purge(named(ids)),
      }),
    }),
  });
  return builder.toSubGraphSchema({});
}
