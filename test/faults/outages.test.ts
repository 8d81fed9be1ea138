/**
 * Outages and orderly stops cost only time: no reading, no attempt, no wait for a lease to expire. `maxDeliveries` is
 * 1, so a used attempt shows as a dead letter.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { pause } from "../support/chaos/chaos.ts";
import { expectComplete } from "../support/programs/expect-complete.ts";
import { type Report, type Run, type RunOptions, runPipeline } from "../support/programs/pipeline-run.ts";
import { type PrivateMongoServer, requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

/** May be set to a minute or more: nothing in the pipeline gives up. */
const OUTAGE_MS = Number(process.env.OUTAGE_MS ?? 12_000);
const TEN_MINUTES = 600_000;

const DEFAULTS = {
  seed: 1,
  readings: 60_000,
  counts: { streamer: 2, queueService: 2, collector: 2 },
  leaseMs: 5000,
  maxDeliveries: 1,
  intervalMs: 10,
} as const satisfies Partial<RunOptions>;

const counted = (name: "acked" | "published", count: number, { queue }: Run): Promise<unknown> =>
  eventually(() => queue.stats().then(({ counters }) => counters[name] >= count), { what: `${count} batches ${name}` });

describe.skipIf(!haveRedisServer())("the distributed pipeline", () => {
  let store: PrivateMongoServer | null;
  beforeAll(async () => {
    store = await requirePrivateMongo("outages");
  });
  afterAll(() => store?.[Symbol.asyncDispose]());

  async function run(given: Partial<RunOptions>, meanwhile: (run: Run) => Promise<void>): Promise<Report | null> {
    return store && (await runPipeline({ ...DEFAULTS, store, ...given }, meanwhile));
  }

  test(
    `waits ${OUTAGE_MS / 1000} s, longer than two leases, while the store is down`,
    async () => {
      const report = await run({}, async (events) => {
        await counted("acked", 20, events);
        await events.store.kill();
        await pause(OUTAGE_MS);
        const { leased, counters } = await events.queue.stats();
        expect(leased).toBeGreaterThan(0);
        expect(counters.expired).toBe(0);
        await events.store.start();
      });
      if (report === null) return;
      expectComplete(report);
    },
    400_000 + OUTAGE_MS,
  );

  test(
    `waits ${OUTAGE_MS / 1000} s while Redis is down`,
    async () => {
      // Leases cannot be renewed meanwhile, so claimed batches are delivered again.
      const report = await run({ maxDeliveries: 3 }, async (events) => {
        await counted("acked", 20, events);
        await events.redis.kill();
        await pause(OUTAGE_MS);
        await events.redis.start();
      });
      if (report === null) return;
      expectComplete(report);
    },
    400_000 + OUTAGE_MS,
  );

  test("leaves nothing leased when its collectors are stopped under load", async () => {
    const report = await run({ leaseMs: TEN_MINUTES, intervalMs: 1 }, async ({ pipeline, queue }) => {
      const { collectors } = pipeline;
      for (const moment of [100, 250, 400, 550]) {
        await pause(moment);
        expect(await Promise.all(collectors.map((collector) => collector.stop()))).toEqual([0, 0]);
        expect((await queue.stats()).leased).toBe(0);
        for (const collector of collectors) collector.start();
        await Promise.all(collectors.map((collector) => collector.listening()));
      }
    });
    if (report === null) return;
    expectComplete(report);
    expect(report.stats.counters).toMatchObject({ expired: 0, claimed: expect.any(Number) });
  }, 400_000);

  test("leaves nothing leased when its collectors are stopped while the store does not answer", async () => {
    const report = await run({ leaseMs: TEN_MINUTES }, async (events) => {
      const { pipeline, queue } = events;
      const { collectors } = pipeline;
      await counted("acked", 20, events);
      await events.store.pause();
      await eventually(() => queue.stats().then(({ leased }) => leased > 0), { what: "deliveries in hand" });
      expect(await Promise.all(collectors.map((collector) => collector.stop()))).toEqual([0, 0]);
      expect((await queue.stats()).leased).toBe(0);
      await events.store.resume();
      for (const collector of collectors) collector.start();
    });
    if (report === null) return;
    expectComplete(report);
    expect(report.stats.counters.released).toBeGreaterThan(0);
  }, 400_000);

  test("leaves nothing leased when its queue-services are restarted one after the other", async () => {
    const report = await run({ leaseMs: TEN_MINUTES, intervalMs: 3 }, async (events) => {
      for (const round of [1, 2, 3, 4, 5, 6]) {
        for (const service of events.pipeline.queueServices) {
          await counted("acked", round * 20, events);
          expect(await service.stop()).toBe(0);
          service.start();
          await service.listening();
        }
      }
    });
    if (report === null) return;
    expectComplete(report);
    expect(report.stats.counters.expired).toBe(0);
  }, 400_000);

  test("publishes again what Redis lost when it was emptied", async () => {
    // A streamer that has ended publishes nothing again, so the test waits for the first batches only.
    const report = await run({ files: 1, intervalMs: 80 }, async (events) => {
      await counted("published", 40, events);
      await events.redis.command("FLUSHALL");
      await events.redis.command("SCRIPT", "FLUSH");
    });
    if (report === null) return;
    expectComplete(report);
    expect(report.stats.counters.gaps).toBeGreaterThan(0);
  }, 400_000);
});
