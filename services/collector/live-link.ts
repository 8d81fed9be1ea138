/** The live feed as the collector sees it: what it cannot be told is lost to those who watch, and holds nobody back. */
import type { Batch } from "../../schema/batch/batch.ts";
import type { LiveFeed } from "../live-feed/port.ts";
import type { Logger } from "../platform/process/logger.ts";
import { orAbandoned } from "./dependency.ts";

export interface LiveLinkOptions {
  readonly liveFeed: Pick<LiveFeed, "publish">;
  readonly log: Logger;
  readonly onFailure: () => void;
}

export class LiveLink {
  readonly #options: LiveLinkOptions;
  #away = false;

  constructor(options: LiveLinkOptions) {
    this.#options = options;
  }

  /** Never rejects. @param deadline what is not answered by then is not waited for */
  async tell(batches: readonly Batch[], deadline: AbortSignal): Promise<void> {
    const { liveFeed, log, onFailure } = this.#options;
    try {
      await orAbandoned(() => liveFeed.publish(batches), deadline);
      if (this.#away) log.info("live feed told again");
      this.#away = false;
    } catch (error) {
      onFailure();
      if (!this.#away) log.warn("live feed not told", { batches: batches.length, error });
      this.#away = true;
    }
  }
}
