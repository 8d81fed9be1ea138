import { openMemoryLiveFeed } from "../../services/live-feed/memory/feed.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { liveFeedConformance } from "./live-feed.ts";

liveFeedConformance("memory", async ({ maxSubscribers } = {}) => {
  const clock = new ManualClock();
  const feed = openMemoryLiveFeed({ clock, maxSubscribers });
  return {
    feed,
    publish: (...batches) => feed.publish(batches),
    advance: (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
});
