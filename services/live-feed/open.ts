/** Which live feed: opened in `main.ts`, used through the port. */
import { openMemoryLiveFeed } from "./memory.ts";
import type { LiveFeed } from "./port.ts";
import type { SubscribersOptions } from "./subscribers.ts";

export type LiveFeedConfig = { readonly kind: "memory" } & SubscribersOptions;

export async function openLiveFeed(config: LiveFeedConfig): Promise<LiveFeed> {
  return openMemoryLiveFeed(config);
}
