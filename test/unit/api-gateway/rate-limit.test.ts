import { expect, test } from "bun:test";
import fc from "fast-check";
import { createRateLimit } from "../../../services/api-gateway/edge/rate-limit.ts";

function limited({ perSecond = 10, maxClients = 4 } = {}) {
  let now = 0;
  const limit = createRateLimit({ perSecond, maxClients, clock: { monotonic: () => now } });
  const asked = (client: string, times: number): number =>
    Array.from({ length: times }, () => limit.take(client)).filter((waitMs) => waitMs === 0).length;
  return {
    limit,
    asked,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("an idle client may make two seconds' worth of requests at once, then its rate", () => {
  const { limit, asked, pass } = limited();
  expect(asked("a", 50)).toBe(20);
  expect(limit.take("a")).toBe(100);
  expect(asked("b", 1)).toBe(1);
  pass(99);
  expect(limit.take("a")).toBe(1);
  pass(1);
  expect(limit.take("a")).toBe(0);
  pass(60_000);
  expect(asked("a", 50)).toBe(20);
});

test("a refused client is accepted after the time that the refusal names", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(fc.nat(3000), { maxLength: 50 }), (perSecond, waits) => {
      const { limit, asked, pass } = limited({ perSecond });
      asked("a", perSecond * 2);
      for (const wait of waits) {
        const waitMs = limit.take("a");
        pass(waitMs);
        if (waitMs > 0 && limit.take("a") !== 0) return false;
        pass(wait);
      }
      return true;
    }),
  );
});

test("clients beyond the table share one bucket, and those in it keep their own", () => {
  const { asked, pass } = limited({ perSecond: 10, maxClients: 4 });
  for (const client of ["a", "b", "c", "d"]) expect(asked(client, 20)).toBe(20);
  // Ten clients' worth for all new clients together.
  const newcomers = Array.from({ length: 500 }, (_, n) => asked(`new-${n}`, 1)).reduce((sum, n) => sum + n);
  expect(newcomers).toBe(200);
  pass(1000);
  for (const client of ["a", "b", "c", "d"]) expect(asked(client, 20)).toBe(10);
});

test("a bucket leaves the table only when it is full", () => {
  const { asked, pass } = limited({ perSecond: 10, maxClients: 4 });
  expect(asked("a", 50)).toBe(20);
  for (let n = 0; n < 100; n++) asked(`other-${n}`, 1);
  expect(asked("a", 50)).toBe(0);
  pass(1000);
  for (let n = 0; n < 100; n++) asked(`later-${n}`, 1);
  expect(asked("a", 50)).toBe(10);
});
