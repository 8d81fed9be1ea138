/**
 * Wakes waiting claims, in any process, when a batch becomes ready: a token is pushed to a Redis list, and one waiting
 * process takes it.
 */
import { type RedisConnection, redisScript } from "../../platform/redis/connections.ts";
import type { Partition } from "./partition.ts";

export interface Bell {
  /**
   * Waits up to `waitMs` for a token and takes it. Resolves to the partition to claim from first, or to null if no
   * token came.
   */
  pop(waitMs: number): Promise<number | null>;
  /** Puts back a token that no claim in this process needs. */
  passOn(partition: number): Promise<void>;
  /** Call after a script has left a token in the `wake` list of a partition. */
  ring(): void;
}

/**
 * KEYS:
 * 1. the token list of a cluster
 *
 * ARGV: none
 *
 * Result: none. Leaves one token in the list.
 */
const RING = redisScript("ring", "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('RPUSH', KEYS[1], 1) end");

interface BellParts {
  readonly commands: RedisConnection;
  readonly blocking: RedisConnection;
}

/** Creates a bell that waits for the `wake` lists of all partitions, which the scripts fill, with one BLPOP. */
function bellOfPartitions(partitions: readonly Partition[], { blocking }: BellParts): Bell {
  const keys = partitions.map((partition) => partition.key("wake"));
  return {
    pop: async (waitMs) => {
      const reply = await blocking.call("BLPOP", ...keys, waitMs / 1000);
      return Array.isArray(reply) ? keys.indexOf(String(reply[0])) : null;
    },
    passOn: async (partition) => void (await partitions[partition]?.run("ring", [])),
    ring: () => {},
  };
}

/** Creates a bell for a cluster. One BLPOP cannot wait for keys in several slots, so one list serves all partitions. */
function bellOfCluster({ commands, blocking }: BellParts): Bell {
  const key = "q:{telemetry}:wake";
  const ring = () => commands.run(RING, [key], []);
  return {
    pop: async (waitMs) => ((await blocking.call("BLPOP", key, waitMs / 1000)) === null ? null : 0),
    passOn: async () => void (await ring()),
    // If the ring is lost, waiting claims find the batch when they poll.
    ring: () => void ring().catch(() => {}),
  };
}

export const createBell = (partitions: readonly Partition[], parts: BellParts & { isCluster: boolean }): Bell =>
  parts.isCluster && partitions.length > 1 ? bellOfCluster(parts) : bellOfPartitions(partitions, parts);
