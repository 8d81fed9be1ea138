import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { claim, textsOf } from "../../conformance/queue/bench.ts";
import { atRest, numbered, openCollectorBench } from "../../support/collector/collector.ts";

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const never = () => new Promise<void>(() => {});

test("collector that is asked to stop while it waits stops at once", async () => {
  const bench = openCollectorBench();
  const running = bench.start();
  await atRest();
  bench.stop.abort();
  expect(await running).toMatchObject({ batches: 0 });
  await bench.publish(numbered(1));
  expect(await bench.queue.stats()).toMatchObject({ ready: 1, leased: 0 });
  expect(bench.clock.sleeping).toBe(0);
});

test("collector that was asked to stop before it began claims nothing", async () => {
  const bench = openCollectorBench();
  await bench.publish(numbered(1));
  bench.stop.abort();
  await bench.start();
  expect((await bench.queue.stats()).counters.claimed).toBe(0);
});

test("collector that is asked to stop finishes the save under way, acknowledges it, and releases the rest", async () => {
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
  expect(bench.events).toEqual(["save 1 2", "tell 1 2", "ack 2", "release 3"]);
  expect(await bench.stored()).toEqual([1, 2]);
  const rest = await claim(bench.queue);
  expect(rest.map(({ seq, attempt }) => [seq, attempt])).toEqual([
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  expect(textsOf(rest).length).toBe(3);
});

test("collector that is asked to stop while the store is away releases what it holds, no attempt used", async () => {
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

test("collector that is asked to stop still acknowledges what is stored when the queue is back in time", async () => {
  const bench = openCollectorBench();
  let isAway = false;
  bench.faults.queue = async () => {
    if (isAway) throw new AppError("connection refused", { code: "unavailable" });
  };
  bench.faults.save = async () => {
    isAway = true;
  };
  await bench.publish(...upTo(2).map(numbered));
  const running = bench.start();
  await bench.clock.advance(1000);
  bench.stop.abort();
  await bench.clock.advance(1000);
  isAway = false;
  await bench.clock.advance(8000);
  expect(await running).toMatchObject({ batches: 2, released: 0 });
  expect((await bench.queue.stats()).counters).toMatchObject({ acked: 2 });
});

test("collector that is asked to stop gives up a save that never ends, and releases it within ten seconds", async () => {
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

test("collector that is asked to stop ends within ten seconds although neither store nor queue answers", async () => {
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
