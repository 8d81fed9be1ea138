/** Which queue: opened in `main.ts`, used through the port. */
import { type HttpQueueOptions, openHttpQueue } from "./http.ts";
import { type MemoryQueueOptions, openMemoryQueue } from "./memory.ts";
import type { Queue } from "./port.ts";

export type QueueConfig =
  | ({ readonly kind: "memory" } & MemoryQueueOptions)
  /** Behind queue-service. */
  | ({ readonly kind: "http" } & HttpQueueOptions);

export async function openQueue(config: QueueConfig): Promise<Queue> {
  switch (config.kind) {
    case "memory":
      return openMemoryQueue(config);
    case "http":
      return openHttpQueue(config);
    default:
      return config satisfies never;
  }
}
