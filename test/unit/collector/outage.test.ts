import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { claim } from "../../conformance/queue/bench.ts";
import { atRest, numbered, openCollectorBench } from "../../support/collector/collector.ts";

const away = () => new AppError("connection refused", { code: "unavailable" });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test("collector waits out a store that is away: no attempt used, nothing claimed, nothing lost", async () => {
  const bench = openCollectorBench({ config: { batchSize: 2 }, maxDeliveries: 2 });
  let isAway = true;
  bench.faults.save = async () => {
    if (isAway) throw away();
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
  expect(bench.states).toEqual(["store is away: connection refused"]);
  expect(bench.lines.filter(({ level }) => level !== "debug").length).toBe(1);

  isAway = false;
  await bench.clock.advance(10_000);
  await atRest();
  expect(await bench.stored()).toEqual(upTo(9));
  expect(bench.states).toEqual(["store is away: connection refused", null]);
  expect((await bench.queue.stats()).counters).toMatchObject({ claimed: 9, acked: 9, nacked: 0 });
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 9, retried: 0, leasesLost: 0 });
});

test("collector waits out a queue that is away, while claiming and while acknowledging", async () => {
  const bench = openCollectorBench();
  let isAway = true;
  bench.faults.queue = async () => {
    if (isAway) throw away();
  };
  const running = bench.start();
  await bench.clock.advance(300_000);
  expect(bench.states).toEqual(["queue is away: connection refused"]);
  isAway = false;
  await bench.publish(numbered(1));
  bench.faults.save = async () => {
    isAway = true;
  };
  await bench.clock.advance(10_000);
  expect(bench.events).toEqual(["save 1", "tell 1"]);
  await bench.clock.advance(10_000);
  isAway = false;
  await bench.clock.advance(10_000);
  expect(bench.events).toEqual(["save 1", "tell 1", "ack 1"]);
  expect(bench.states.length).toBe(4);
  bench.stop.abort();
  await running;
});

test("collector says so when the queue answers with a defect, and goes on", async () => {
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
  expect(bench.lines.filter(({ message }) => message === "nothing claimed").length).toBe(3);
  bench.stop.abort();
  await running;
});

test("collector keeps its leases through a save that takes longer than they last", async () => {
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

test("collector stores and acknowledges what it has although a lease was lost, and counts that", async () => {
  const bench = openCollectorBench({ config: { maxConcurrentHandlers: 1 } });
  const gate = Promise.withResolvers<void>();
  bench.faults.save = () => gate.promise;
  bench.faults.queue = async (call) => {
    if (call === "extend") throw away();
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
