import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { readCollectorConfig } from "../../../services/collector/config.ts";
import { batchOfReadings, NOON } from "../../support/collector/batches.ts";
import {
  atRest,
  numbered,
  ofNewerVersion,
  openCollectorBench,
  undecodable,
} from "../../support/collector/collector.ts";

const unavailable = () => new AppError("connection refused", { code: "unavailable" });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test("runCollector() saves a group in one call, publishes it live, and only then acknowledges it", async () => {
  const bench = openCollectorBench();
  await bench.publish(...upTo(3).map(numbered));
  const running = bench.start();
  await atRest();
  expect(bench.events).toEqual(["save 1 2 3", "publish 1 2 3", "ack 3"]);
  expect(await bench.stored()).toEqual([1, 2, 3]);
  expect(await bench.queue.stats()).toMatchObject({ ready: 0, leased: 0, counters: { acked: 3 } });
  await bench.publish(numbered(4));
  await atRest();
  expect(bench.events.slice(3)).toEqual(["save 4", "publish 4", "ack 1"]);
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 4, readings: 4, buckets: 4, duplicateReadings: 0, rejected: 0 });
  expect(bench.clock.sleeping).toBe(0);
});

test("runCollector() handles groups of at most batchSize deliveries, maxConcurrentHandlers at once", async () => {
  const bench = openCollectorBench({ config: { batchSize: 4, maxConcurrentHandlers: 3 } });
  let [underWay, most] = [0, 0];
  const gate = Promise.withResolvers<void>();
  bench.faults.save = async () => {
    most = Math.max(most, ++underWay);
    await gate.promise;
    underWay--;
  };
  await bench.publish(...upTo(18).map(numbered));
  const running = bench.start();
  await atRest();
  expect(await bench.queue.stats()).toMatchObject({ leased: 12, ready: 6 });
  gate.resolve();
  await atRest();
  expect(most).toBe(3);
  expect(bench.events.filter((event) => event.startsWith("ack"))).toEqual([
    "ack 4",
    "ack 4",
    "ack 4",
    "ack 4",
    "ack 2",
  ]);
  bench.stop.abort();
  expect((await running).batches).toBe(18);
});

test("runCollector() splits a large group into several saves, yields between them, and acknowledges once", async () => {
  const bench = openCollectorBench();
  let turns = 0;
  const turnsAtSave: number[] = [];
  const count = () => {
    turns++;
    if (!bench.stop.signal.aborted) setImmediate(count);
  };
  bench.faults.save = async () => {
    turnsAtSave.push(turns);
  };
  await bench.publish(...upTo(7).map((seq) => ({ ...numbered(seq), readings: 65_536 })));
  count();
  const running = bench.start();
  await atRest();
  expect(bench.events.filter((event) => !event.startsWith("publish"))).toEqual([
    "save 1 2",
    "save 3 4",
    "save 5 6",
    "save 7",
    "ack 7",
  ]);
  expect(new Set(turnsAtSave).size).toBe(4);
  bench.stop.abort();
  await running;
});

test("runCollector() rejects an undecodable batch and stores the rest of its group", async () => {
  const bench = openCollectorBench();
  await bench.publish(numbered(1), undecodable(2), numbered(3));
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 3]);
  const [letter, ...others] = await bench.letters();
  expect(letter).toMatchObject({ seq: 2, attempts: 1 });
  expect(letter?.reason).not.toBe("");
  expect(others).toEqual([]);
  expect(bench.lines.filter(({ level }) => level === "error")).toMatchObject([
    { message: "batch rejected", fields: { seq: 2, why: "undecodable" } },
  ]);
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 2, rejected: 1, retried: 0 });
});

test("runCollector() leaves a batch of a newer version to newer collectors, and never rejects it", async () => {
  const bench = openCollectorBench();
  await bench.publish(numbered(1), ofNewerVersion(2), numbered(3));
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 3]);
  expect(await bench.letters()).toEqual([]);
  expect(bench.lines.filter(({ level }) => level === "warn")).toMatchObject([
    { message: "batch is of a newer version, left for newer collectors", fields: { seq: 2 } },
  ]);
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 2, rejected: 0, retried: 0, released: 1 });
});

test("runCollector() rejects the batch that the store calls invalid and stores the rest of its group", async () => {
  const bench = openCollectorBench();
  bench.faults.save = async (batches) => {
    if (batches.some(({ seq }) => seq === 3)) throw new AppError("block of GPU-3 is damaged", { code: "invalid" });
  };
  await bench.publish(...upTo(5).map(numbered));
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 2, 4, 5]);
  expect(await bench.letters()).toEqual([{ seq: 3, attempts: 1, reason: "block of GPU-3 is damaged" }]);
  expect(bench.events.at(-1)).toBe("ack 4");
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 4, rejected: 1 });
});

test("runCollector() retries a batch whose save throws, and makes it a dead letter after maxDeliveries", async () => {
  const bench = openCollectorBench({ maxDeliveries: 3 });
  let failures = 0;
  bench.faults.save = async (batches) => {
    const bad = batches.find(({ seq }) => seq === 2 || seq === 4);
    if (bad === undefined || (bad.seq === 2 && failures >= 2)) return;
    if (bad.seq === 2) failures++;
    throw new TypeError("undefined is not a function");
  };
  await bench.publish(...upTo(5).map(numbered));
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 3, 5]);
  expect(await bench.queue.stats()).toMatchObject({ delayed: 2, dead: 0 });
  for (let minute = 0; minute < 3; minute++) {
    await bench.clock.advance(60_000);
    await atRest();
  }
  expect(await bench.stored()).toEqual([1, 2, 3, 5]);
  expect(await bench.letters()).toEqual([{ seq: 4, attempts: 3, reason: "undefined is not a function" }]);
  expect(bench.lines.filter(({ message }) => message === "batch not stored").length).toBe(4);
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 4, retried: 4, rejected: 0 });
});

test("runCollector() stores a redelivered batch once and counts the duplicate", async () => {
  const bench = openCollectorBench();
  await bench.publish(...upTo(3).map(numbered));
  await bench.repository.save([batchOfReadings([{ after: 2000, value: 2 }], { seq: 2 })]);
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 2, 3]);
  expect((await bench.queue.stats()).counters).toMatchObject({ acked: 3 });
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 3, readings: 2, duplicateBuckets: 1, duplicateReadings: 1 });
});

test("runCollector() stores and acknowledges while the live feed is unavailable, and logs the outage once", async () => {
  const bench = openCollectorBench({ config: { batchSize: 1 } });
  bench.faults.publish = async () => {
    throw unavailable();
  };
  await bench.publish(...upTo(3).map(numbered));
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual([1, 2, 3]);
  expect((await bench.queue.stats()).counters.acked).toBe(3);
  bench.faults.publish = async () => {};
  await bench.publish(numbered(4), numbered(5));
  await atRest();
  bench.stop.abort();
  expect(await running).toMatchObject({ liveFailures: 3 });
  const outages = bench.lines.filter(({ fields }) => fields.dependency === "live feed");
  expect(outages).toMatchObject([
    { message: "unavailable", fields: { reason: "connection refused" } },
    { message: "available" },
  ]);
});

test("runCollector() expires old readings, and tries again a minute after the store was unavailable", async () => {
  const bench = openCollectorBench({ retentionMs: 3_600_000 });
  const ages = [7200, 3000, 0];
  for (const [index, age] of ages.entries()) {
    const after = bench.clock.now() - NOON - age * 1000;
    await bench.repository.save([batchOfReadings([{ after, value: age }], { seq: index + 1 })]);
  }
  bench.faults.expire = async () => {
    throw unavailable();
  };
  const running = bench.start();
  await atRest();
  expect(await bench.stored()).toEqual(ages);
  bench.faults.expire = async () => {};
  await bench.clock.advance(60_000);
  expect(await bench.stored()).toEqual([3000, 0]);
  await bench.clock.advance(600_000);
  expect(await bench.stored()).toEqual([0]);
  bench.stop.abort();
  await running;
  expect(bench.lines.filter(({ message }) => message === "expiry failed").length).toBe(1);
});

test("runCollector() counts batches, saves and rejections by reason in its metrics", async () => {
  const bench = openCollectorBench();
  bench.faults.save = async (batches) => {
    if (batches.some(({ seq }) => seq === 2)) throw new AppError("damaged", { code: "invalid" });
  };
  await bench.publish(numbered(1), numbered(2), undecodable(3));
  const running = bench.start();
  await atRest();
  bench.stop.abort();
  await running;
  const text = await bench.metrics.render();
  for (const line of [
    "gpu_telemetry_collector_batches_total 1",
    "gpu_telemetry_collector_readings_total 1",
    'gpu_telemetry_collector_rejected_batches_total{reason="invalid"} 1',
    'gpu_telemetry_collector_rejected_batches_total{reason="undecodable"} 1',
    "gpu_telemetry_collector_save_duration_seconds_count 1",
    "gpu_telemetry_collector_groups_in_flight 0",
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("readCollectorConfig() reads the group size from the given variable and the lease from QUEUE_LEASE", () => {
  const env = { BATCH_SIZE: "7", COLLECTOR_BATCH_SIZE: "9", MAX_CONCURRENT_HANDLERS: "3" };
  expect(readCollectorConfig(env)).toMatchObject({ batchSize: 7, maxConcurrentHandlers: 3, positions: "queue" });
  const embedded = { batchSizeVariable: "COLLECTOR_BATCH_SIZE", positions: "store" } as const;
  expect(readCollectorConfig(env, embedded)).toMatchObject({ batchSize: 9, positions: "store" });
  expect(readCollectorConfig({})).toMatchObject({ batchSize: 20, maxConcurrentHandlers: 10, leaseMs: 30_000 });
  expect(readCollectorConfig({ QUEUE_LEASE: "1500ms" })).toMatchObject({ leaseMs: 1500 });
  expect(() => readCollectorConfig({ BATCH_SIZE: "0", MAX_CONCURRENT_HANDLERS: "many" })).toThrow(
    /MAX_CONCURRENT_HANDLERS must .*"many"[\s\S]*BATCH_SIZE must .*"0"/,
  );
});
