/**
 * Batches in no line, which no script leaves behind: somebody deleted a key. Found by comparing what there is with where
 * it should be; all of it is read, so that this runs when the figures do not add up, and never else.
 */
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConnection, RedisReply } from "../../platform/redis/connections.ts";
import type { Partition } from "./partition.ts";

const PAGE = 10_000;
/** Ids per repairing script. */
const REPAIRED = 500;

/** One at a time, whoever finds out that it is needed. */
export class Repairs {
  readonly #parts: { readonly redis: RedisConnection; readonly log: Logger; onRepaired(): void };
  #running = false;

  constructor(parts: { redis: RedisConnection; log: Logger; onRepaired(): void }) {
    this.#parts = parts;
  }

  /** Does not reject: what failed is found again. */
  async run(partitions: readonly Partition[]): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { redis, log, onRepaired } = this.#parts;
    try {
      for (const partition of partitions) {
        const repaired = await repairOrphans(redis, partition);
        // Another process may have been quicker.
        if (repaired === 0) continue;
        log.error("batches that were in no line are back in it", { partition: partition.number, repaired });
        onRepaired();
      }
    } catch (error) {
      log.warn("batches in no line could not be looked for", { error });
    } finally {
      this.#running = false;
    }
  }
}

/**
 * Sends them back to the tail, the oldest first, and returns how many. While others work on the partition a batch on
 * its way may be taken for an orphan: the script looks again, and a batch that is listed twice is handed out once.
 */
async function repairOrphans(redis: RedisConnection, partition: Partition): Promise<number> {
  const ids = new Set(textsOf(await redis.call("HKEYS", partition.key("bodies"))));
  for await (const id of listed(redis, partition)) ids.delete(id);
  const orphans = [...ids].sort();
  let repaired = 0;
  for (let from = 0; from < orphans.length; from += REPAIRED) {
    repaired += Number(await partition.run("repair", [JSON.stringify(orphans.slice(from, from + REPAIRED))]));
  }
  return repaired;
}

/** The line first: a batch goes from there to a lease, and seldom back. */
async function* listed(redis: RedisConnection, partition: Partition): AsyncGenerator<string> {
  const lists = [
    ["LRANGE", partition.key("ready")],
    ["ZRANGE", partition.key("leases")],
    ["ZRANGE", partition.key("delays")],
    ["ZRANGE", partition.key("dead")],
    ["LRANGE", partition.key("ready")],
  ] as const;
  for (const [command, key] of lists) {
    for (let from = 0; ; from += PAGE) {
      const page = textsOf(await redis.call(command, key, from, from + PAGE - 1));
      yield* page;
      if (page.length < PAGE) break;
    }
  }
}

const textsOf = (reply: RedisReply): string[] => (reply as readonly Buffer[]).map(String);
