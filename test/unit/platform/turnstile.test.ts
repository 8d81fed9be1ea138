import { describe, expect, test } from "bun:test";
import { Turnstile } from "../../../services/platform/process/turnstile.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

function open({ capacity = 10, maxWaiting = 3 } = {}) {
  const clock = new ManualClock();
  return { clock, turnstile: new Turnstile({ capacity, noun: "readings", maxWaiting, waitMs: 1000, clock }) };
}

const OVERLOADED = {
  code: "overloaded",
  retryAfterMs: 1000,
  message: "Answers under way hold 10 readings: try again later, or ask for less",
};

describe("turnstile", () => {
  test("admits in the order of arrival, also one that would fit before a heavier one", async () => {
    const { turnstile } = open();
    const first = await turnstile.enter(6);
    const order: string[] = [];
    const heavy = turnstile.enter(8).then((pass) => {
      order.push("heavy");
      return pass;
    });
    const light = turnstile.enter(2).then((pass) => {
      order.push("light");
      return pass;
    });
    expect([turnstile.inside, turnstile.waiting]).toEqual([6, 2]);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const passes = await Promise.all([heavy, light]);
    expect(order).toEqual(["heavy", "light"]);
    expect(turnstile.inside).toBe(10);
    for (const pass of passes) pass[Symbol.dispose]();
    expect(turnstile.inside).toBe(0);
  });

  test("admits more than its capacity alone", async () => {
    const { turnstile } = open();
    const small = await turnstile.enter(1);
    const huge = turnstile.enter(100);
    expect(turnstile.waiting).toBe(1);
    small[Symbol.dispose]();
    expect((await huge).weight).toBe(100);
  });

  test("admits the next ones when a pass becomes lighter", async () => {
    const { turnstile } = open();
    const first = await turnstile.enter(10);
    const next = turnstile.enter(4);
    first.resize(6);
    await next;
    expect(turnstile.inside).toBe(10);
  });

  test("refuses one that waits too long, and one too many", async () => {
    const { turnstile, clock } = open({ maxWaiting: 1 });
    await turnstile.enter(10);
    const refusal = turnstile.enter(1).catch((error: unknown) => error);
    await expect(turnstile.enter(1)).rejects.toMatchObject(OVERLOADED);
    await clock.advance(1000);
    expect(await refusal).toMatchObject(OVERLOADED);
    expect([turnstile.inside, turnstile.waiting]).toEqual([10, 0]);
  });

  test("forgets one whose caller disconnects, and admits the one behind it", async () => {
    const { turnstile, clock } = open();
    await turnstile.enter(6);
    const caller = new AbortController();
    const heavy = turnstile.enter(8, { signal: caller.signal });
    const light = turnstile.enter(2);
    caller.abort();
    await expect(heavy).rejects.toMatchObject({ code: "unavailable" });
    await light;
    await expect(turnstile.enter(8, { signal: caller.signal })).rejects.toMatchObject({ code: "unavailable" });
    expect([turnstile.inside, turnstile.waiting, clock.sleeping]).toEqual([8, 0, 0]);
  });

  test("admits others before a client that has half of the room already", async () => {
    const { turnstile } = open();
    const own = await turnstile.enter(4, { client: "a" });
    const order: string[] = [];
    const entered = (client: string, weight: number) =>
      turnstile.enter(weight, { client }).then((pass) => {
        order.push(`${client} ${weight}`);
        return pass;
      });
    const waiting = entered("a", 2);
    const other = await entered("b", 6);
    expect([order, turnstile.inside, turnstile.waiting]).toEqual([["b 6"], 10, 1]);
    own[Symbol.dispose]();
    await waiting;
    expect(order).toEqual(["b 6", "a 2"]);
    other[Symbol.dispose]();
  });

  test("lets no client take all places to wait", async () => {
    const { turnstile } = open({ maxWaiting: 20 });
    await turnstile.enter(10, { client: "a" });
    const waits = Array.from({ length: 20 }, () => turnstile.enter(1, { client: "a" }).catch((error) => error.code));
    void turnstile.enter(1, { client: "b" }).catch(() => {});
    expect(turnstile.waiting).toBe(11);
    expect(await Promise.race(waits)).toBe("overloaded");
  });
});
