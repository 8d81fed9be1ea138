/** Redis loses all data while files are streamed: in the end the store has every reading once. */
import { afterAll, describe, expect, test } from "bun:test";
import { runCollector } from "../../services/collector/service.ts";
import { openMemoryLiveFeed } from "../../services/live-feed/memory/feed.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRedisQueue } from "../../services/queue/redis/open.ts";
import { openSources } from "../../services/sources/open.ts";
import { runStreamer } from "../../services/streamer/service.ts";
import { NumberedFleet } from "../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { drained } from "../support/queue/drained.ts";
import { compareAnswers } from "../support/repository/stored-fleet.ts";
import { openModelRepository } from "../support/repository-model/repository.ts";
import { haveRedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { filesAt, streamerConfig } from "../support/streamer/streamed.ts";

const fleet = new NumberedFleet({ gpus: 16, ticks: 120, seed: 3 });
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

describe.skipIf(!haveRedisServer())("Redis that loses its data during a file", () => {
  test("costs nothing: the streamer sends every batch again, finished files included", async () => {
    await fleet.write(folder.path, 3);
    await using server = await startRedisServer();
    const common = { clock: systemClock, log: silentLogger };
    await using queue = await openRedisQueue({
      redis: server.config,
      partitions: 2,
      maxBytes: 1e8,
      maxDeliveries: 5,
      ...common,
    });
    await using liveFeed = await openMemoryLiveFeed({ clock: systemClock });
    await using repository = openModelRepository({ retentionMs: 0 }, common);
    const stop = new AbortController();

    // No collector runs yet, so everything that Redis loses is not in the store.
    let emptied = false;
    const config = streamerConfig({ sources: filesAt(folder.path), batchSize: 20 });
    const streaming = runStreamer(config, {
      ...common,
      sources: openSources(config.sources, common),
      queue: {
        openProducer: (...args) => queue.openProducer(...args),
        publish: async (batches, from) => {
          if (!emptied && from.producer.includes("part-1") && (batches[0]?.seq ?? 0) > 1) {
            emptied = true;
            expect((await queue.stats()).ready).toBeGreaterThan(100);
            await server.command("FLUSHALL");
          }
          return await queue.publish(batches, from);
        },
      },
      signal: stop.signal,
    });
    const summary = await streaming;
    expect(summary).toMatchObject({ waits: { gap: 1 }, failed: false });

    const collectorConfig = {
      maxConcurrentHandlers: 4,
      batchSize: 50,
      maxGroupBytes: 1e6,
      leaseMs: 30_000,
      positions: "queue",
    } as const;
    const collecting = runCollector(collectorConfig, { ...common, queue, repository, liveFeed, signal: stop.signal });
    await drained(queue);
    stop.abort();
    await collecting;
    expect(await compareAnswers(repository, fleet)).toMatchObject({
      readings: fleet.readings,
      lost: 0,
      twice: 0,
      altered: 0,
    });
  }, 60_000);
});
