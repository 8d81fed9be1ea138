/** Which queue: opened in `main.ts`, used through the port. */
import { type HttpQueueOptions, openHttpQueue } from "./http/queue.ts";
import { type MemoryQueueOptions, openMemoryQueue } from "./memory/queue.ts";
import type { Queue } from "./port.ts";
import { openRedisQueue, type RedisQueueConfig } from "./redis/open.ts";

export type QueueConfig =
  | ({ readonly kind: "memory" } & MemoryQueueOptions)
  | ({ readonly kind: "redis" } & RedisQueueConfig)
  /** Behind queue-service. */
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
