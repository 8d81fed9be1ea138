/** The order of faults, and one fault at a time per victim. */
import { expect, test } from "bun:test";
import { disturb, type Fault } from "../../support/chaos/chaos.ts";
import { eventually } from "../../support/time/eventually.ts";
import { randomOf } from "../../support/time/seeded.ts";

/** Disturbs until `count` faults have struck. @returns kind and first random number of each fault */
async function strikes(seed: number, count: number): Promise<string[]> {
  const stop = new AbortController();
  const struck: string[] = [];
  const fault = (kind: string, weight: number): Fault => ({
    kind,
    victim: kind,
    weight,
    strike: async (random) => {
      struck.push(`${kind} ${random()}`);
      if (struck.length === count) stop.abort();
    },
  });
  const faults = [fault("kill", 1), fault("freeze", 3), fault("cut", 2)];
  await disturb(faults, { random: randomOf(seed), everyMs: [0, 1], signal: stop.signal });
  return struck;
}

test("disturb() repeats the same faults for the same seed, and others for another seed", async () => {
  const first = await strikes(7, 30);
  expect(await strikes(7, 30)).toEqual(first);
  expect(await strikes(8, 30)).not.toEqual(first);
  expect(new Set(first.map((text) => text.split(" ")[0]))).toEqual(new Set(["kill", "freeze", "cut"]));
});

test("disturb() skips a victim that has a fault already or cannot be hit", async () => {
  const stop = new AbortController();
  const over = Promise.withResolvers<void>();
  const counts = { long: 0, short: 0, never: 0 };
  const fault = (kind: keyof typeof counts, strike: () => Promise<void>): Fault => ({
    ...{ kind, victim: kind, weight: 1, possible: () => kind !== "never" },
    strike: () => {
      counts[kind]++;
      return strike();
    },
  });
  const faults = [fault("long", () => over.promise), fault("short", async () => {}), fault("never", async () => {})];
  const running = disturb(faults, { random: randomOf(1), everyMs: [0, 0], signal: stop.signal });
  await eventually(() => counts.short >= 20, { what: "20 short faults" });
  stop.abort();
  expect(counts).toMatchObject({ long: 1, never: 0 });
  over.resolve();
  expect(await running).toEqual(
    new Map([
      ["long", 1],
      ["short", counts.short],
    ]),
  );
});

test("disturb() rejects with the error of a fault that fails", async () => {
  const fault: Fault = {
    ...{ kind: "kill", victim: "a", weight: 1 },
    strike: () => Promise.reject(new Error("it would not start again")),
  };
  const { signal } = new AbortController();
  await expect(disturb([fault], { random: randomOf(1), everyMs: [0, 0], signal })).rejects.toThrow("not start again");
});
