/** Opens the queue that the configuration names. Only `main.ts` and its wiring call it; other code takes the port. */
import { type HttpQueueOptions, openHttpQueue } from "./http/queue.ts";
import { type MemoryQueueOptions, openMemoryQueue } from "./memory/queue.ts";
import type { Queue } from "./port.ts";
import { openRedisQueue, type RedisQueueConfig } from "./redis/open.ts";

export type QueueConfig =
  /** In this process. */
  | ({ readonly kind: "memory" } & MemoryQueueOptions)
  /** On Redis; opened by queue-service. */
  | ({ readonly kind: "redis" } & RedisQueueConfig)
  /** Behind queue-service; opened by streamers and collectors. */
  | ({ readonly kind: "http" } & HttpQueueOptions);

export async function openQueue(config: QueueConfig): Promise<Queue> {
  switch (config.kind) {
    case "memory":
      return openMemoryQueue(config);
    case "redis":
      return await openRedisQueue(config);
    case "http":
      return openHttpQueue(config);
    default:
      return config satisfies never;
  }
}
