/** The embedded parts: queue and live feed in this process, the store in one file beside it. */
import { openLiveFeed } from "../live-feed/open.ts";
import type { LiveFeed } from "../live-feed/port.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { openQueue } from "../queue/open.ts";
import type { Queue } from "../queue/port.ts";
import { openRepository } from "../repository/open.ts";
import type { Repository } from "../repository/port.ts";
import type { StoreConfig } from "./config.ts";

/** Some 10 million readings on their way; the streamer waits when the collector falls behind further. */
const MAX_QUEUE_BYTES = 32 * 1024 * 1024;

export interface EmbeddedOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  readonly maxSubscribers?: number | undefined;
}

export interface Embedded extends AsyncDisposable {
  readonly queue: Queue;
  readonly repository: Repository;
  readonly liveFeed: LiveFeed;
}

/** @throws AppError `unavailable` when the store's file cannot be opened */
export async function openEmbedded(
  { path, retentionMs }: StoreConfig,
  { clock, log, metrics, maxSubscribers }: EmbeddedOptions,
): Promise<Embedded> {
  await using opened = new AsyncDisposableStack();
  const repository = opened.use(await openRepository({ kind: "sqlite", path, retentionMs }, { clock, log, metrics }));
  const restore = (producer: string) => repository.position(producer);
  const queue = opened.use(await openQueue({ kind: "memory", clock, maxBytes: MAX_QUEUE_BYTES, restore }));
  const liveFeed = opened.use(await openLiveFeed({ kind: "memory", clock, maxSubscribers }));
  const parts = opened.move();
  return { queue, repository, liveFeed, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}
