import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { claim } from "../../conformance/queue/bench.ts";
import { atRest, numbered, openCollectorBench } from "../../support/collector/collector.ts";

const unavailable = () => new AppError("connection refused", { code: "unavailable" });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test("runCollector() waits while the store is unavailable: uses no attempt, claims nothing, loses nothing", async () => {
  const bench = openCollectorBench({ config: { batchSize: 2 }, maxDeliveries: 2 });
  let isDown = true;
  bench.faults.save = async () => {
    if (isDown) throw unavailable();
  };
  await bench.publish(...upTo(9).map(numbered));
  const running = bench.start();
  await atRest();
  for (let minute = 0; minute < 10; minute++) {
    await bench.clock.advance(60_000);
    await atRest();
  }
  const { leased, ready, dead, counters } = await bench.queue.stats();
  expect({ leased: leased <= 4, all: leased + ready, dead }).toEqual({ leased: true, all: 9, dead: 0 });
  expect(counters).toMatchObject({ expired: 0, nacked: 0, claimed: leased });
  expect(bench.states).toEqual(["store is unavailable: connection refused"]);
  expect(bench.lines.filter(({ level }) => level !== "debug").length).toBe(1);

  isDown = false;
  await bench.clock.advance(10_000);
  await atRest();
  expect(await bench.stored()).toEqual(upTo(9));
  expect(bench.states).toEqual(["store is unavailable: connection refused", null]);
  expect((await bench.queue.stats()).counters).toMatchObject({ claimed: 9, acked: 9, nacked: 0 });
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 9, retried: 0, leasesLost: 0 });
});

test("runCollector() waits while the queue is unavailable, both to claim and to acknowledge", async () => {
  const bench = openCollectorBench();
  let isDown = true;
  bench.faults.queue = async () => {
    if (isDown) throw unavailable();
  };
  const running = bench.start();
  await bench.clock.advance(300_000);
  expect(bench.states).toEqual(["queue is unavailable: connection refused"]);
  isDown = false;
  await bench.publish(numbered(1));
  bench.faults.save = async () => {
    isDown = true;
  };
  await bench.clock.advance(10_000);
  expect(bench.events).toEqual(["save 1", "publish 1"]);
  await bench.clock.advance(10_000);
  isDown = false;
  await bench.clock.advance(10_000);
  expect(bench.events).toEqual(["save 1", "publish 1", "ack 1"]);
  expect(bench.states.length).toBe(4);
  bench.stop.abort();
  await running;
});

test("runCollector() logs a claim that throws, and claims again", async () => {
  const bench = openCollectorBench();
  let calls = 0;
  bench.faults.queue = async () => {
    if (calls++ < 3) throw new TypeError("a defect");
  };
  await bench.publish(numbered(1));
  const running = bench.start();
  await bench.clock.advance(10_000);
  await atRest();
  expect(await bench.stored()).toEqual([1]);
  expect(bench.lines.filter(({ message }) => message === "claim failed").length).toBe(3);
  bench.stop.abort();
  await running;
});

test("runCollector() renews its leases during a save that outlasts them", async () => {
  const bench = openCollectorBench();
  const gate = Promise.withResolvers<void>();
  bench.faults.save = () => gate.promise;
  await bench.publish(...upTo(3).map(numbered));
  const running = bench.start();
  await bench.clock.advance(300_000);
  expect(await claim(bench.queue)).toEqual([]);
  expect((await bench.queue.stats()).counters).toMatchObject({ expired: 0, claimed: 3 });
  gate.resolve();
  await atRest();
  expect((await bench.queue.stats()).counters).toMatchObject({ acked: 3 });
  bench.stop.abort();
  expect(await running).toMatchObject({ leasesLost: 0 });
});

test("runCollector() stores and acknowledges batches whose lease was lost, and counts the loss", async () => {
  const bench = openCollectorBench({ config: { maxConcurrentHandlers: 1 } });
  const gate = Promise.withResolvers<void>();
  bench.faults.save = () => gate.promise;
  bench.faults.queue = async (call) => {
    if (call === "extend") throw unavailable();
  };
  await bench.publish(...upTo(2).map(numbered));
  const running = bench.start();
  await bench.clock.advance(31_000);
  bench.faults.queue = async () => {};
  const elsewhere = await claim(bench.queue);
  expect(elsewhere.map(({ attempt }) => attempt)).toEqual([2, 2]);
  await bench.clock.advance(10_000);
  gate.resolve();
  await atRest();
  expect(await bench.queue.ack(elsewhere.map(({ receipt }) => receipt))).toEqual([false, false]);
  bench.stop.abort();
  expect(await running).toMatchObject({ leasesLost: 2, batches: 2 });
});
