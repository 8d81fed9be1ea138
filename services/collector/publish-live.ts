/**
 * Publishes stored batches to the live feed. If the feed does not accept a batch, subscribers miss it. Readings more
 * than 10 minutes ahead of the clock are left out, and are not published when their time comes: a new
 * subscription then finds them in its snapshot.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import { batchUntil } from "../../schema/batch/until.ts";
import { messageOf } from "../../schema/model/errors.ts";
import { lastPresentTime } from "../../schema/model/present.ts";
import type { LiveFeed } from "../live-feed/port.ts";
import { Availability, withinDeadline } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";

export interface LivePublisherOptions {
  readonly liveFeed: Pick<LiveFeed, "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  /** When it aborts, the wait for a publication in flight ends. */
  readonly deadline: AbortSignal;
  /** Called for each publication that the feed did not accept. */
  readonly onFailure: () => void;
}

/** Never rejects, because an unavailable live feed must not hold up saves and acknowledgements. */
export type PublishLive = (batches: readonly Batch[]) => Promise<void>;

export function createLivePublisher({ liveFeed, clock, log, deadline, onFailure }: LivePublisherOptions): PublishLive {
  const availability = new Availability("live feed", { clock, log });
  return async (batches) => {
    const last = lastPresentTime(clock.now());
    const present = batches.flatMap((batch) => batchUntil(batch, last) ?? []);
    if (present.length === 0) return;
    try {
      await withinDeadline(() => liveFeed.publish(present), deadline);
      availability.up();
    } catch (error) {
      onFailure();
      // After the deadline, a failure tells nothing about the feed.
      if (!deadline.aborted) availability.down(messageOf(error));
    }
  };
}
