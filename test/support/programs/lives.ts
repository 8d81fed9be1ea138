/**
 * Runs services of the pipeline over real servers, in the process of a test or in one that is going to be killed.
 * A test may wrap the real parts.
 */
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { runCollector } from "../../../services/collector/service.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import { openQueue } from "../../../services/queue/open.ts";
import type { ConsumerQueue, ProducerQueue, Queue } from "../../../services/queue/port.ts";
import { readQueueServiceConfig } from "../../../services/queue-service/config.ts";
import { runQueueService } from "../../../services/queue-service/service.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { TelemetryRepository } from "../../../services/repository/port.ts";
import { readScraperConfig } from "../../../services/scraper/config.ts";
import { runScraper } from "../../../services/scraper/service.ts";
import { openSources } from "../../../services/sources/open.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { runStreamer } from "../../../services/streamer/service.ts";
import { filesAt, streamerConfig } from "../streamer/streamed.ts";

/** The servers, the input and the settings of a life. */
export interface Surroundings {
  readonly redis: RedisConfig;
  readonly queueUrl: string;
  readonly store: { readonly uri: string; readonly database: string };
  readonly csvPath: string;
  readonly batchSize: number;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

export const storeConfig = ({ store: { uri: url, database } }: Pick<Surroundings, "store">) =>
  ({ kind: "mongodb", url, database, poolSize: 4, retentionMs: 0, format: 2 }) as const;

type InFront<T> = (part: T) => T;
type Saves = Pick<TelemetryRepository, "save" | "position" | "expire">;
type Tells = { publish(batches: readonly unknown[]): Promise<void> };

const clock = systemClock;
const log = silentLogger;

/** Resolves once the last batch of the file is confirmed. */
export async function liveAsStreamer(
  { queueUrl, csvPath, batchSize }: Surroundings,
  { queue: inFront = (queue) => queue, signal }: { queue?: InFront<ProducerQueue>; signal: AbortSignal },
): Promise<void> {
  await using queue = await openQueue({ kind: "http", url: queueUrl, token: null, clock });
  const config = streamerConfig({ sources: filesAt(csvPath), batchSize });
  const sources = openSources(config.sources, { clock });
  await runStreamer(config, { sources, queue: inFront(queue), clock, log, signal });
}

/** What a scraper needs. */
export interface ScraperSurroundings {
  readonly queueUrl: string;
  /** URLs of exporters. */
  readonly targets: readonly string[];
  readonly spool: string;
}

/** Scrapes once a second until the signal aborts, then sends the rest of the spool. */
export async function liveAsScraper(
  { queueUrl, targets, spool: folder }: ScraperSurroundings,
  { queue: inFront = (queue) => queue, signal }: { queue?: InFront<ProducerQueue>; signal: AbortSignal },
): Promise<void> {
  await using queue = await openQueue({ kind: "http", url: queueUrl, token: null, clock });
  await using spool = await Spool.open({ folder, maxBytes: 64 * 1024 * 1024 });
  await runScraper({
    config: readScraperConfig({ SCRAPE_TARGETS: targets.join(), SCRAPE_INTERVAL: "1s" }),
    rules: createLabelRules(DEFAULT_LABELS),
    ...{ spool, queue: inFront(queue), clock, log, signal },
    drainMs: 10_000,
    onAccepted: (number) => spool.confirm(number),
  });
}

export interface CollectorParts {
  readonly queue?: InFront<ConsumerQueue>;
  readonly repository?: InFront<Saves>;
  readonly liveFeed?: InFront<Tells>;
}

/** Collects until the signal aborts. */
export async function liveAsCollector(
  { queueUrl, store, leaseMs }: Surroundings,
  { signal, ...parts }: CollectorParts & { signal: AbortSignal },
): Promise<void> {
  const { queue: frontQueue = (queue) => queue, repository: frontStore = (repository) => repository } = parts;
  const { liveFeed: frontFeed = (feed) => feed } = parts;
  await using repository = await openRepository(storeConfig({ store }), { clock, log });
  await using queue = await openQueue({ kind: "http", url: queueUrl, token: null, clock });
  await runCollector(
    // Small batches, so that a life reaches each step several times.
    { maxConcurrentHandlers: 2, batchSize: 2, maxGroupBytes: 4 * 1024 * 1024, leaseMs, positions: "queue" },
    {
      queue: frontQueue(queue),
      repository: frontStore(repository),
      liveFeed: frontFeed({ publish: async () => {} }),
      clock,
      log,
      signal,
    },
  );
}

/** Serves at the port until the signal aborts. */
export async function liveAsQueueService(
  { redis, leaseMs, maxDeliveries }: Surroundings,
  { port, queue: inFront = (queue) => queue, signal }: { port: number; queue?: InFront<Queue>; signal: AbortSignal },
): Promise<void> {
  const env = { PORT: String(port), QUEUE_LEASE: `${leaseMs}ms`, QUEUE_MAX_DELIVERIES: String(maxDeliveries) };
  const config = readQueueServiceConfig(env, { isTerminal: false });
  await using queue = await openQueue({ kind: "redis", redis, ...config.bounds, clock, log });
  await runQueueService(config, { queue: inFront(queue), clock, log, metrics: createMetrics(), signal });
}
