/** Which live feed: opened in `main.ts`, used through the port. */
import { type MemoryLiveFeedOptions, openMemoryLiveFeed } from "./memory.ts";
import type { LiveFeed } from "./port.ts";

export type LiveFeedConfig = { readonly kind: "memory" } & MemoryLiveFeedOptions;

export async function openLiveFeed(config: LiveFeedConfig): Promise<LiveFeed> {
  return openMemoryLiveFeed(config);
}
