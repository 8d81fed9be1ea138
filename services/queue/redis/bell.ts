/** How those who wait learn that something is ready, where the keys of the partitions lie together and where not. */
import { type RedisConnection, redisScript } from "../../platform/redis/connections.ts";
import type { Partition } from "./partition.ts";

export interface Bell {
  /** Takes a token, waiting for at most so long: the partition to look at first; null when none came. */
  pop(waitMs: number): Promise<number | null>;
  /** Puts a token back that nobody here needs any more. */
  passOn(partition: number): Promise<void>;
  /** Something is ready in a partition, by a script that has left a token there. */
  tell(): void;
}

const TELL = redisScript("tell", "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('RPUSH', KEYS[1], 1) end");

interface BellParts {
  readonly commands: RedisConnection;
  readonly blocking: RedisConnection;
}

/** One command waits for the tokens of all partitions. */
function createTogether(partitions: readonly Partition[], { blocking }: BellParts): Bell {
  const keys = partitions.map((partition) => partition.key("wake"));
  return {
    pop: async (waitMs) => {
      const reply = await blocking.call("BLPOP", ...keys, waitMs / 1000);
      return Array.isArray(reply) ? keys.indexOf(String(reply[0])) : null;
    },
    passOn: async (partition) => void (await partitions[partition]?.run("ring", [])),
    tell: () => {},
  };
}

/** In a cluster one command cannot wait for keys of several slots: there is one more token, for all of them. */
function createApart({ commands, blocking }: BellParts): Bell {
  const key = "q:{telemetry}:wake";
  const tell = () => commands.run(TELL, [key], []);
  return {
    pop: async (waitMs) => ((await blocking.call("BLPOP", key, waitMs / 1000)) === null ? null : 0),
    passOn: async () => void (await tell()),
    // Who waits looks by himself before long.
    tell: () => void tell().catch(() => {}),
  };
}

export const createBell = (partitions: readonly Partition[], parts: BellParts & { isCluster: boolean }): Bell =>
  parts.isCluster && partitions.length > 1 ? createApart(parts) : createTogether(partitions, parts);
