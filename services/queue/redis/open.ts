/** Opens the queue on Redis, with one connection for commands and one for waiting. */
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConfig } from "../../platform/redis/config.ts";
import { openRedis } from "../../platform/redis/connections.ts";
import type { Queue } from "../port.ts";
import { RedisQueue, type RedisQueueOptions } from "./queue.ts";

export interface RedisQueueConfig extends RedisQueueOptions {
  readonly redis: RedisConfig;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Succeeds even if Redis is unavailable; calls then throw `unavailable` until Redis is back. */
export async function openRedisQueue({ redis, log, clock, ...options }: RedisQueueConfig): Promise<Queue> {
  const [commands, blocking] = await Promise.all([
    openRedis(redis, { log, name: "queue", role: "commands" }),
    openRedis(redis, { log, name: "queue-wait", role: "blocking" }),
  ]);
  return new RedisQueue(options, { commands, blocking, isCluster: redis.mode === "cluster", log, clock });
}
