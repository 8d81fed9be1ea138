import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { claim, textsOf } from "../../conformance/queue/bench.ts";
import { atRest, numbered, openCollectorBench } from "../../support/collector/collector.ts";

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const never = () => new Promise<void>(() => {});

test("runCollector() ends at once when stopped while it waits for deliveries", async () => {
  const bench = openCollectorBench();
  const running = bench.start();
  await atRest();
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 0 });
  await bench.publish(numbered(1));
  expect(await bench.queue.stats()).toMatchObject({ ready: 1, leased: 0 });
  expect(bench.clock.sleeping).toBe(0);
});

test("runCollector() claims nothing when stopped before it starts", async () => {
  const bench = openCollectorBench();
  await bench.publish(numbered(1));
  bench.stop.abort();
  await bench.start();
  expect((await bench.queue.stats()).counters.claimed).toBe(0);
});

test("runCollector() finishes the running save when stopped, acknowledges it, and releases the rest", async () => {
  const bench = openCollectorBench();
  const gate = Promise.withResolvers<void>();
  bench.faults.save = () => gate.promise;
  await bench.publish(...upTo(5).map((seq) => ({ ...numbered(seq), readings: 65_536 })));
  const running = bench.start();
  await atRest();
  bench.stop.abort();
  await bench.clock.advance(7000);
  gate.resolve();
  expect(await running).toMatchObject({ batches: 2, released: 3 });
  expect(bench.events).toEqual(["save 1 2", "publish 1 2", "ack 2", "release 3"]);
  expect(await bench.stored()).toEqual([1, 2]);
  const rest = await claim(bench.queue);
  expect(rest.map(({ seq, attempt }) => [seq, attempt])).toEqual([
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  expect(textsOf(rest).length).toBe(3);
});

test("runCollector() releases its deliveries without using an attempt when stopped while the store is unavailable", async () => {
  const bench = openCollectorBench({ config: { batchSize: 2 } });
  bench.faults.save = async () => {
    throw new AppError("connection refused", { code: "unavailable" });
  };
  await bench.publish(...upTo(3).map(numbered));
  const running = bench.start();
  await bench.clock.advance(60_000);
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 0, released: (await bench.queue.stats()).counters.released });
  expect(await bench.queue.stats()).toMatchObject({ ready: 3, leased: 0, counters: { nacked: 0, expired: 0 } });
  const again = await claim(bench.queue);
  expect(again.map(({ seq, attempt }) => `${seq}: attempt ${attempt}`).sort()).toEqual([
    "1: attempt 1",
    "2: attempt 1",
    "3: attempt 1",
  ]);
});

test("runCollector() still acknowledges stored batches when the queue becomes available after the stop", async () => {
  const bench = openCollectorBench();
  let isDown = false;
  bench.faults.queue = async () => {
    if (isDown) throw new AppError("connection refused", { code: "unavailable" });
  };
  bench.faults.save = async () => {
    isDown = true;
  };
  await bench.publish(...upTo(2).map(numbered));
  const running = bench.start();
  await bench.clock.advance(1000);
  bench.stop.abort();
  await bench.clock.advance(1000);
  isDown = false;
  await bench.clock.advance(8000);
  expect(await running).toMatchObject({ batches: 2, released: 0 });
  expect((await bench.queue.stats()).counters).toMatchObject({ acked: 2 });
});

test("runCollector() abandons a save that hangs, and releases its deliveries within 10 s of the stop", async () => {
  const bench = openCollectorBench();
  bench.faults.save = never;
  await bench.publish(...upTo(2).map(numbered));
  const running = bench.start();
  await atRest();
  bench.stop.abort();
  await bench.clock.advance(10_000);
  expect(await running).toMatchObject({ batches: 0, released: 2 });
  expect(await bench.queue.stats()).toMatchObject({ ready: 2, leased: 0 });
});

test("runCollector() ends within 10 s of the stop when neither store nor queue answers", async () => {
  const bench = openCollectorBench();
  bench.faults.save = never;
  await bench.publish(...upTo(2).map(numbered));
  const running = bench.start();
  await atRest();
  bench.faults.queue = never;
  await bench.clock.advance(15_000);
  bench.stop.abort();
  await bench.clock.advance(10_000);
  expect(await running).toMatchObject({ batches: 0, released: 0 });
  expect(bench.clock.sleeping).toBe(0);
});
