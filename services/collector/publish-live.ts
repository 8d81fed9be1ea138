/** Publishes stored batches to the live feed. A batch that the feed does not take is lost to its subscribers. */
import type { Batch } from "../../schema/batch/batch.ts";
import { messageOf } from "../../schema/model/errors.ts";
import type { LiveFeed } from "../live-feed/port.ts";
import { Availability, withinDeadline } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";

export interface LivePublisherOptions {
  readonly liveFeed: Pick<LiveFeed, "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the wait for a publication that is under way. */
  readonly deadline: AbortSignal;
  /** Called for each publication that the feed did not take. */
  readonly onFailure: () => void;
}

/** Never rejects: a live feed that is unavailable must not hold up what is stored. */
export type PublishLive = (batches: readonly Batch[]) => Promise<void>;

export function createLivePublisher({ liveFeed, clock, log, deadline, onFailure }: LivePublisherOptions): PublishLive {
  const availability = new Availability("live feed", { clock, log });
  return async (batches) => {
    try {
      await withinDeadline(() => liveFeed.publish(batches), deadline);
      availability.up();
    } catch (error) {
      onFailure();
      // After the deadline the failure says nothing about the feed.
      if (!deadline.aborted) availability.down(messageOf(error));
    }
  };
}
