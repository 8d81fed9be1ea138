/**
 * Opens the live feed that the configuration names. Only `main.ts` and its wiring call it; other code takes the port.
 */
import { openMemoryLiveFeed } from "./memory/feed.ts";
import type { LiveFeed } from "./port.ts";
import { openRedisLiveFeed, type RedisLiveFeedOptions } from "./redis/feed.ts";
import type { SubscribersOptions } from "./subscribers.ts";

export type LiveFeedConfig =
  /** Within this process. */
  | ({ readonly kind: "memory" } & SubscribersOptions)
  /** Between processes. */
  | ({ readonly kind: "redis" } & RedisLiveFeedOptions);

export async function openLiveFeed(config: LiveFeedConfig): Promise<LiveFeed> {
  switch (config.kind) {
    case "memory":
      return openMemoryLiveFeed(config);
    case "redis":
      return openRedisLiveFeed(config);
    default:
      return config satisfies never;
  }
}
