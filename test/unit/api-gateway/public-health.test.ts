import { expect, test } from "bun:test";
import { answerHealth, createPublicHealth } from "../../../services/api-gateway/edge/public-health.ts";
import type { Health } from "../../../services/platform/http/health.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const REASON = "connect ECONNREFUSED 10.4.0.7:27017";

test("createPublicHealth() logs the reason of an outage once, and shows none that names an address", async () => {
  const { log, lines } = keptLog();
  const clock = new ManualClock();
  let now: Health = { healthy: false, away: { store: REASON, telemetry: "is not ready: store" } };
  const health = createPublicHealth(async () => now, { log, clock });
  for (let n = 0; n < 3; n++) {
    expect(await health()).toEqual({
      healthy: false,
      away: { store: "is unavailable", telemetry: "is not ready: store" },
    });
  }
  await clock.advance(1500);
  now = { healthy: true, away: {} };
  expect(await health()).toEqual(now);
  expect(lines.map(({ message, fields }) => [message, fields])).toEqual([
    ["unavailable", { dependency: "store", reason: REASON }],
    ["unavailable", { dependency: "telemetry", reason: "is not ready: store" }],
    ["available", { dependency: "store", downMs: 1500 }],
    ["available", { dependency: "telemetry", downMs: 1500 }],
  ]);
});

test.each([
  "store is unavailable: Cannot use the store /x/a.sqlite: database or disk is full; free disk space",
  "ENOSPC: no space left on device, write",
])("createPublicHealth() calls a full disk a full disk: %s", async (reason) => {
  const { log } = keptLog();
  const health = createPublicHealth(async () => ({ healthy: false, away: { collector: reason } }), {
    log,
    clock: new ManualClock(),
  });
  expect((await health()).away).toEqual({ collector: "cannot write: the disk is full" });
});

test("answerHealth() says when it answered, and lists what is unavailable", async () => {
  const clock = new ManualClock(Date.UTC(2025, 6, 20, 10));
  const answer = async (health: Health, method = "GET") => {
    const response = await answerHealth(new Request("http://localhost/health", { method }), {
      health: async () => health,
      clock,
    });
    return [response.status, await response.json()];
  };
  const timestamp = "2025-07-20T10:00:00Z";
  expect(await answer({ healthy: true, away: {} })).toEqual([200, { status: "healthy", timestamp }]);
  const dependencies = { store: "is unavailable" };
  expect(await answer({ healthy: false, away: dependencies })).toEqual([
    503,
    { status: "unhealthy", timestamp, dependencies },
  ]);
  expect((await answer({ healthy: true, away: {} }, "POST"))[0]).toBe(405);
});
