/**
 * Repairs orphans: batches with a body that are neither ready, leased, delayed nor dead. Scripts never leave orphans
 * behind; deleting a key by hand does. The search for them reads every id of a partition, so it runs only if the
 * figures do not add up.
 */
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConnection, RedisReply } from "../../platform/redis/connections.ts";
import type { Partition } from "./partition.ts";

/** Number of ids per reply. */
const PAGE = 10_000;
/** Number of ids per run of the repair script. */
const REPAIRED = 500;

/** Runs one repair at a time. */
export class Repairs {
  readonly #parts: { readonly redis: RedisConnection; readonly log: Logger; onRepaired(): void };
  #running = false;

  constructor(parts: { redis: RedisConnection; log: Logger; onRepaired(): void }) {
    this.#parts = parts;
  }

  /** Does not reject, because orphans that are left will be found again. */
  async run(partitions: readonly Partition[]): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { redis, log, onRepaired } = this.#parts;
    try {
      for (const partition of partitions) {
        const repaired = await repairOrphans(redis, partition);
        // Another process may have repaired them first.
        if (repaired === 0) continue;
        log.error("orphans repaired", { partition: partition.number, batches: repaired });
        onRepaired();
      }
    } catch (error) {
      log.warn("orphan repair failed", { error });
    } finally {
      this.#running = false;
    }
  }
}

/**
 * Returns the orphans to the tail, oldest first, and resolves to the number returned. A batch that moves during the
 * search may look like an orphan, so the script checks it again, and the claim script delivers an id only once even if
 * `ready` lists it twice.
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

/**
 * Yields every id that is in a list. Reads `ready` first and last, because batches move from `ready` to other lists and
 * back.
 */
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
