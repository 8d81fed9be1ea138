/** Opens store, queue and live feed: in this process and a local file, or on the configured servers. */
import { openLiveFeed } from "../live-feed/open.ts";
import type { LiveFeed } from "../live-feed/port.ts";
import { type Health, healthOf } from "../platform/http/health.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import type { Queue } from "../queue/port.ts";
import { openRepository } from "../repository/open.ts";
import type { Repository } from "../repository/port.ts";
import type { BackendsConfig } from "./config.ts";

/** Bound of the queue in this process: about 10 million readings. While it is full, the streamer waits. */
const MAX_QUEUE_BYTES = 32 * 1024 * 1024;
/** How often the queue in this process delivers a batch before the batch becomes a dead letter. */
const MAX_DELIVERIES = 5;

export interface BackendsParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  readonly maxSubscribers?: number | undefined;
}

export interface Backends extends AsyncDisposable {
  readonly queue: Queue;
  readonly repository: Repository;
  readonly liveFeed: LiveFeed;
  health(): Promise<Health>;
}

/** @throws AppError `unavailable` if the store cannot be opened */
export async function openBackends({ store, redis }: BackendsConfig, parts: BackendsParts): Promise<Backends> {
  const { clock, log, metrics, maxSubscribers } = parts;
  await using opened = new AsyncDisposableStack();
  const repository = opened.use(await openRepository(store, { clock, log, metrics }));
  const restore = (producer: string) => repository.position(producer);
  const queue = opened.use(
    await openQueue(
      redis === null
        ? { kind: "memory", clock, maxBytes: MAX_QUEUE_BYTES, maxDeliveries: MAX_DELIVERIES, restore }
        : { kind: "redis", redis: redis.server, ...redis.bounds, clock, log },
    ),
  );
  const liveFeed = opened.use(
    await openLiveFeed(
      redis === null
        ? { kind: "memory", clock, maxSubscribers }
        : { kind: "redis", redis: redis.server, clock, log, metrics, maxSubscribers },
    ),
  );
  const all = opened.move();
  return {
    queue,
    repository,
    liveFeed,
    health: () =>
      healthOf({
        store: () => repository.ping(),
        queue: () => queue.stats(),
        "live feed": () => liveFeed.ping(),
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
