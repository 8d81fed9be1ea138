/** Which queue: opened in `main.ts`, used through the port. */
import { type MemoryQueueOptions, openMemoryQueue } from "./memory.ts";
import type { Queue } from "./port.ts";

export type QueueConfig = { readonly kind: "memory" } & MemoryQueueOptions;

export async function openQueue(config: QueueConfig): Promise<Queue> {
  return openMemoryQueue(config);
}
