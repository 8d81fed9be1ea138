/** A program that runs one service of the pipeline until a fatal call kills it. */
import { Collection } from "mongodb";
import type { ConsumerQueue } from "../../../services/queue/port.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { type Doom, doomClass, doomed } from "./doom.ts";
import {
  type CollectorParts,
  liveAsCollector,
  liveAsQueueService,
  liveAsScraper,
  liveAsStreamer,
  type ScraperSurroundings,
  type Surroundings,
} from "./lives.ts";
import { onRuntime, type Program, startProgram } from "./process.ts";

/**
 * Brings a collector to a step that is rare otherwise:
 * - `refused`: the store refuses batch 2, so the collector nacks it.
 * - `stopping`: the collector must stop while it holds a claim, so it releases the batches.
 * - `slow`: a save waits until leases are renewed.
 */
export type Situation = "refused" | "stopping" | "slow";

export interface DoomedLife {
  readonly role: "streamer" | "collector" | "queue-service";
  readonly doom: Doom;
  readonly surroundings: Surroundings;
  /** Port of a queue-service. */
  readonly port?: number;
  readonly situation?: Situation | undefined;
}

export interface DoomedScraper {
  readonly role: "scraper";
  readonly doom: Doom;
  readonly surroundings: ScraperSurroundings;
}

export const startDoomed = (life: DoomedLife | DoomedScraper): Program =>
  startProgram(onRuntime("bun", "test/support/programs/doomed-life.ts", JSON.stringify(life)));

/** Returns the parts that cause the situation. The fatal calls wrap them. */
export function situated(situation: Situation | undefined, stop: AbortController): CollectorParts {
  const renewed = Promise.withResolvers<void>();
  return {
    queue: (queue): ConsumerQueue => ({
      claim: async (request) => {
        const deliveries = await queue.claim(request);
        if (situation === "stopping" && deliveries.length > 0) stop.abort();
        return deliveries;
      },
      ack: (receipts) => queue.ack(receipts),
      nack: (receipts, mode) => queue.nack(receipts, mode),
      extend: async (receipts, leaseMs) => {
        const answers = await queue.extend(receipts, leaseMs);
        renewed.resolve();
        return answers;
      },
    }),
    repository: (repository) => ({
      expire: (before) => repository.expire(before),
      position: (producer) => repository.position(producer),
      save: async (batches, options) => {
        if (situation === "slow") await renewed.promise;
        if (situation === "refused" && batches.some(({ seq }) => seq === 2)) throw new Error("batch 2 is refused");
        return repository.save(batches, options);
      },
    }),
  };
}

/** Driver calls of a save into MongoDB. */
const WRITES: readonly string[] = ["insertMany", "bulkWrite"];

/** The calls of a scraper to its spool; the others are to the queue. */
const SPOOL_CALLS: readonly string[] = ["append", "confirm"];

async function scrape({ doom, surroundings }: DoomedScraper): Promise<void> {
  const { signal } = new AbortController();
  if (SPOOL_CALLS.includes(doom.call)) {
    doomClass(Spool.prototype, doom);
    return await liveAsScraper(surroundings, { signal });
  }
  return await liveAsScraper(surroundings, { signal, queue: (queue) => doomed(queue, doom) });
}

async function live({ role, doom, surroundings, port = 0, situation }: DoomedLife): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const doomIf = <T extends object>(part: T, ...calls: readonly string[]): T =>
    calls.includes(doom.call) ? doomed(part, doom) : part;
  switch (role) {
    case "streamer":
      return await liveAsStreamer(surroundings, { signal, queue: (queue) => doomed(queue, doom) });
    case "queue-service":
      return await liveAsQueueService(surroundings, { port, signal, queue: (queue) => doomed(queue, doom) });
    case "collector": {
      if (WRITES.includes(doom.call)) doomClass(Collection.prototype, doom);
      const { queue: frontQueue, repository: frontStore } = situated(situation, stop);
      return await liveAsCollector(surroundings, {
        signal,
        queue: (queue) => doomIf(frontQueue?.(queue) ?? queue, "claim", "ack", "nack", "extend"),
        repository: (repository) => doomIf(frontStore?.(repository) ?? repository, "save"),
        liveFeed: (feed) => doomIf(feed, "publish"),
      });
    }
    default:
      return role satisfies never;
  }
}

if (import.meta.main) {
  const life = JSON.parse(process.argv[2] ?? "{}") as DoomedLife | DoomedScraper;
  await (life.role === "scraper" ? scrape(life) : live(life));
}
