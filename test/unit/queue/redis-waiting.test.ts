import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import type { Delivery } from "../../../services/queue/port.ts";
import type { Claimed } from "../../../services/queue/redis/partition.ts";
import { Waiting } from "../../../services/queue/redis/waiting.ts";
import { codeOf } from "../../conformance/queue/bench.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

const delivery = (name: string) => ({ id: name, receipt: `${name}.0` }) as Delivery;
const nothing: Claimed = { deliveries: [], left: 0, dueInMs: null };

/** Waiting claims on a list of names, with a bell that the test rings. */
function openBench() {
  const clock = new ManualClock();
  const ready: string[] = [];
  const returned: string[] = [];
  const passedOn: number[] = [];
  const pops: PromiseWithResolvers<number | null>[] = [];
  let claims = 0;
  const acts: { claim(): Promise<Claimed> } = {
    claim: async () => {
      const name = ready.shift();
      return name === undefined ? nothing : { ...nothing, deliveries: [delivery(name)] };
    },
  };
  const waiting = new Waiting({
    clock,
    bell: {
      pop: () => {
        const pop = Promise.withResolvers<number | null>();
        pops.push(pop);
        return pop.promise;
      },
      passOn: async (partition) => void passedOn.push(partition),
    },
    claim: () => {
      claims++;
      return acts.claim();
    },
    giveBack: async (deliveries) => void returned.push(...deliveries.map(({ id }) => id)),
  });
  return {
    clock,
    acts,
    waiting,
    ready,
    returned,
    passedOn,
    claims: () => claims,
    pops: () => pops.length,
    ring: () => pops.at(-1)?.resolve(0),
    /** Ends the pop: without a token, or with an error of the connection. */
    endPop: (error?: Error) => (error === undefined ? pops.at(-1)?.resolve(null) : pops.at(-1)?.reject(error)),
    wait: (waitMs = 30_000, signal?: AbortSignal, dueInMs: number | null = null) =>
      waiting
        .wait({ max: 1, maxBytes: 1, leaseMs: 1, waitMs, signal }, dueInMs)
        .then((deliveries) => deliveries.map(({ id }) => id)),
  };
}

test("waiting claims are served in order until nothing is left", async () => {
  const bench = openBench();
  const waits = [bench.wait(), bench.wait(), bench.wait()];
  await settled();
  bench.ready.push("a", "b");
  bench.ring();
  expect(await Promise.all(waits.slice(0, 2))).toEqual([["a"], ["b"]]);
  bench.ready.push("c");
  await settled();
  bench.ring();
  expect(await waits[2]).toEqual(["c"]);
});

test("a waiting claim polls each second even if the bell's connection is silent or cut", async () => {
  for (const what of ["silent", "cut"]) {
    const bench = openBench();
    const waiting = bench.wait();
    await settled();
    if (what === "cut") bench.endPop(new AppError("connection reset", { code: "unavailable" }));
    await bench.clock.advance(3000);
    expect([what, bench.claims()]).toEqual([what, 3]);
    expect(bench.pops()).toBeLessThanOrEqual(4);
    bench.ready.push("a");
    await bench.clock.advance(1000);
    expect(await waiting).toEqual(["a"]);
  }
});

test("a waiting claim claims again when a lease or delay ends, also one that it learns of later", async () => {
  const bench = openBench();
  const first = bench.wait(30_000, undefined, 400);
  await bench.clock.advance(399);
  expect(bench.claims()).toBe(0);
  const second = bench.wait(30_000, undefined, 0);
  await bench.clock.advance(1);
  expect(bench.claims()).toBe(1);
  bench.acts.claim = async () => ({ ...nothing, dueInMs: 250 });
  await bench.clock.advance(1000);
  const looked = bench.claims();
  bench.acts.claim = async () => ({ ...nothing, deliveries: [delivery("a")] });
  await bench.clock.advance(250);
  expect(bench.claims()).toBeGreaterThan(looked);
  expect(await Promise.all([first, second])).toEqual([["a"], ["a"]]);
});

test("a token that comes after the last wait is passed on", async () => {
  const bench = openBench();
  const leaving = new AbortController();
  const waiting = bench.wait(30_000, leaving.signal);
  await settled();
  leaving.abort();
  expect(await waiting).toEqual([]);
  bench.ring();
  await settled();
  expect(bench.passedOn).toEqual([0]);
  expect(bench.claims()).toBe(0);
});

test("a wait ends with no deliveries, but waits for a claim in flight", async () => {
  const bench = openBench();
  const waiting = bench.wait(500);
  await bench.clock.advance(500);
  expect(await waiting).toEqual([]);

  const underWay = Promise.withResolvers<Claimed>();
  bench.acts.claim = () => underWay.promise;
  const late = bench.wait(1200);
  await bench.clock.advance(1500);
  underWay.resolve({ ...nothing, deliveries: [delivery("a")] });
  expect(await late).toEqual(["a"]);
  expect(bench.returned).toEqual([]);
});

test("deliveries for an aborted wait are released, and the next waiter is served", async () => {
  const bench = openBench();
  const leaving = new AbortController();
  const underWay = Promise.withResolvers<Claimed>();
  bench.acts.claim = () => underWay.promise;
  const left = bench.wait(30_000, leaving.signal);
  const next = bench.wait();
  await settled();
  bench.ring();
  await settled();
  leaving.abort();
  expect(await left).toEqual([]);
  bench.acts.claim = async () => ({ ...nothing, deliveries: [delivery("b")] });
  underWay.resolve({ ...nothing, deliveries: [delivery("a")] });
  expect(await next).toEqual(["b"]);
  expect(bench.returned).toEqual(["a"]);
});

test("close() waits until the deliveries of a claim in flight are released", async () => {
  const bench = openBench();
  const underWay = Promise.withResolvers<Claimed>();
  bench.acts.claim = () => underWay.promise;
  const waiting = bench.wait();
  await settled();
  bench.ring();
  await settled();
  let closed = false;
  const closing = bench.waiting.close().then(() => {
    closed = true;
  });
  expect(await waiting).toEqual([]);
  await settled();
  expect(closed).toBe(false);
  underWay.resolve({ ...nothing, deliveries: [delivery("a")] });
  await closing;
  expect(bench.returned).toEqual(["a"]);
});

test("all waits reject when Redis is unavailable, and end when the queue closes", async () => {
  const bench = openBench();
  bench.acts.claim = () => Promise.reject(new AppError("Redis is unavailable", { code: "unavailable" }));
  const waits = [bench.wait(), bench.wait()];
  await settled();
  bench.ring();
  expect(await Promise.all(waits.map(codeOf))).toEqual(["unavailable", "unavailable"]);

  const closing = bench.wait();
  void bench.waiting.close();
  expect(await closing).toEqual([]);
  bench.endPop(new AppError("closed", { code: "unavailable" }));
  await settled();
  expect(bench.clock.sleeping).toBe(0);
});
