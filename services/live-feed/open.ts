/** Which live feed: opened in `main.ts`, used through the port. */
import { openMemoryLiveFeed } from "./memory/feed.ts";
import type { LiveFeed } from "./port.ts";
import { openRedisLiveFeed, type RedisLiveFeedOptions } from "./redis/feed.ts";
import type { SubscribersOptions } from "./subscribers.ts";

export type LiveFeedConfig =
  | ({ readonly kind: "memory" } & SubscribersOptions)
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
