import { expect, test } from "bun:test";
import { systemClock } from "../../../services/platform/process/clock.ts";
import type { ConfigError } from "../../../services/platform/process/env.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { readQueueServiceConfig } from "../../../services/queue-service/config.ts";
import { runQueueService } from "../../../services/queue-service/service.ts";
import { batchOf, claim } from "../../conformance/queue/bench.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const read = (env: Record<string, string> = {}) => readQueueServiceConfig(env, { isTerminal: false });

test("readQueueServiceConfig() has a default for every variable", () => {
  expect(read()).toMatchObject({
    listen: { port: 8080, host: "127.0.0.1" },
    internalToken: null,
    redis: { mode: "single", addresses: [{ host: "redis", port: 6379 }] },
    bounds: { partitions: 1, maxBytes: 512 * 1024 * 1024, maxDeliveries: 5 },
    leaseMs: 30_000,
  });
  const env = { QUEUE_PARTITIONS: "4", QUEUE_MAX_BYTES: "1GiB", QUEUE_MAX_DELIVERIES: "2", QUEUE_LEASE: "5s" };
  expect(read(env)).toMatchObject({
    bounds: { partitions: 4, maxBytes: 1024 ** 3, maxDeliveries: 2 },
    leaseMs: 5000,
  });
});

test("readQueueServiceConfig() names every variable that it cannot read", () => {
  const env = { QUEUE_PARTITIONS: "0", QUEUE_MAX_BYTES: "much", QUEUE_LEASE: "1ms", REDIS_DB: "x", PORT: "http" };
  try {
    read(env);
    throw new Error("the configuration was accepted");
  } catch (error) {
    const problems = (error as ConfigError).problems.map((problem) => problem.split(" ")[0]).sort();
    expect(problems).toEqual(["PORT", "QUEUE_LEASE", "QUEUE_MAX_BYTES", "QUEUE_PARTITIONS", "REDIS_DB"]);
  }
});

test("runQueueService() ends waits at once and finishes requests in flight when it stops", async () => {
  await using behind = openMemoryQueue({ clock: new ManualClock(), maxBytes: 1024, maxDeliveries: 5 });
  const published = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const slow: Queue = Object.assign(Object.create(behind), {
    openProducer: behind.openProducer.bind(behind),
    claim: behind.claim.bind(behind),
    stats: behind.stats.bind(behind),
    async publish(...args: Parameters<Queue["publish"]>) {
      published.resolve();
      await goOn.promise;
      return behind.publish(...args);
    },
  });
  const stopping = new AbortController();
  const { log, lines } = keptLog();
  const config = { ...read(), listen: { host: "127.0.0.1", port: 0 } };
  let ended = false;
  const metrics = createMetrics();
  const parts = { queue: slow, clock: systemClock, log, metrics, signal: stopping.signal };
  const running = runQueueService(config, parts).then((status) => {
    ended = true;
    return status;
  });
  const listening = await eventually(() => lines.find(({ message }) => message === "listening"), { what: "listening" });
  const url = String(listening?.fields.url);
  await using client = openHttpQueue({ url, token: null, clock: systemClock });
  const { epoch } = await client.openProducer("a");
  const waiting = claim(client, { waitMs: 60_000 });
  const publishing = client.publish([batchOf(1, "a")], { producer: "a", epoch });
  await published.promise;
  await eventually(async () => (await metrics.render()).includes("queue_claims_waiting 1"), { what: "a claim waits" });
  stopping.abort();
  expect(await waiting).toEqual([]);
  expect(ended).toBe(false);
  goOn.resolve();
  expect(await publishing).toEqual({ kind: "accepted" });
  expect(await running).toBe(0);
  expect(await fetch(`${url}/healthz`).catch(() => "closed")).toBe("closed");
});
