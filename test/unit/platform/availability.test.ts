/** Outages: each is logged once, reported to health, and waited out by the calls that need the dependency. */
import { describe, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import {
  Availability,
  type AvailabilityOptions,
  withinDeadline,
} from "../../../services/platform/process/availability.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

const never = new AbortController().signal;
const unavailable = (message = "connection refused", retryAfterMs?: number) =>
  new AppError(message, { code: "unavailable", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

function setUp(options: Partial<AvailabilityOptions> = {}) {
  const clock = new ManualClock();
  const { log, lines } = keptLog();
  const problems: (string | null)[] = [];
  const availability = new Availability("store", {
    clock,
    log,
    onChange: (problem) => problems.push(problem),
    ...options,
  });
  return { availability, clock, lines, problems };
}

/** Fails so many times, then gives "answer". */
function failing(times: number, error: Error = unavailable()) {
  const call = async () => {
    if (call.calls++ < times) throw error;
    return "answer";
  };
  call.calls = 0;
  return call;
}

describe("down() and up()", () => {
  test("log one line for the beginning and one for the end of an outage, however often they are called", async () => {
    const { availability, clock, lines } = setUp();
    availability.down("connection refused");
    availability.down("another reason");
    await clock.advance(1500);
    availability.up();
    availability.up();
    expect(lines).toEqual([
      { method: "warn", message: "unavailable", fields: { dependency: "store", reason: "connection refused" } },
      { method: "info", message: "available", fields: { dependency: "store", downMs: 1500 } },
    ]);
  });

  test("each outage is measured from its own beginning", async () => {
    const { availability, clock, lines } = setUp();
    for (const ms of [200, 70]) {
      availability.down("connection refused");
      await clock.advance(ms);
      availability.up();
      await clock.advance(1000);
    }
    expect(lines.filter(({ message }) => message === "available").map(({ fields }) => fields.downMs)).toEqual([
      200, 70,
    ]);
  });

  test("up() without an outage logs nothing and reports nothing", () => {
    const { availability, lines, problems } = setUp();
    availability.up();
    expect({ lines, problems, isDown: availability.isDown }).toEqual({ lines: [], problems: [], isDown: false });
  });

  test("set `problem` and call onChange with each change of it", () => {
    const { availability, problems } = setUp();
    expect(availability.problem).toBeNull();
    availability.down("connection refused");
    availability.down("another reason");
    expect([availability.problem, availability.isDown]).toEqual(["connection refused", true]);
    availability.up();
    expect([availability.problem, availability.isDown]).toEqual([null, false]);
    expect(problems).toEqual(["connection refused", null]);
  });
});

describe("untilAvailable()", () => {
  test("repeats a call until it answers, and reports one outage", async () => {
    const clock = new InstantClock();
    const { availability, lines } = setUp({ clock });
    const call = failing(4);
    let retries = 0;
    const answer = await availability.untilAvailable(call, { signal: never, onRetry: () => retries++ });
    expect([answer, call.calls, retries]).toEqual(["answer", 5, 4]);
    expect(lines.map(({ message }) => message)).toEqual(["unavailable", "available"]);
    expect(availability.isDown).toBe(false);
  });

  test("pauses with jitter within a bound that doubles up to the cap", async () => {
    const clock = new InstantClock();
    const { availability } = setUp({ clock, backoff: { baseMs: 100, capMs: 500 } });
    for (let round = 0; round < 50; round++) await availability.untilAvailable(failing(5), { signal: never });
    const bounds = [100, 200, 400, 500, 500];
    for (const [attempt, bound] of bounds.entries()) {
      const pauses = clock.slept.filter((_, index) => index % bounds.length === attempt);
      expect(Math.min(...pauses)).toBeGreaterThan(0);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(bound);
      // The probability that 50 uniform numbers are all below half of their range is 1e-15.
      expect(Math.max(...pauses)).toBeGreaterThan(bound / 2);
      expect(new Set(pauses).size).toBeGreaterThan(1);
    }
  });

  test("pauses at least as long as the error asks for", async () => {
    const clock = new InstantClock();
    const { availability } = setUp({ clock, backoff: { baseMs: 1, capMs: 1 } });
    await availability.untilAvailable(failing(1, unavailable("loading", 7000)), { signal: never });
    expect(clock.slept).toEqual([7000]);
  });

  test("throws any other error at once, which ends the outage", async () => {
    const { availability } = setUp();
    availability.down("connection refused");
    const call = failing(1, new AppError("no such topic", { code: "not_found" }));
    await expect(availability.untilAvailable(call, { signal: never })).rejects.toThrow("no such topic");
    expect([call.calls, availability.isDown]).toEqual([1, false]);
  });

  test("tries once more when the signal aborts during a pause, then throws the failure", async () => {
    const { availability, clock } = setUp();
    const stop = new AbortController();
    const call = failing(9);
    const outcome = availability.untilAvailable(call, { signal: stop.signal, deadline: never }).catch(String);
    await settled();
    expect([call.calls, clock.sleeping]).toEqual([1, 1]);
    stop.abort();
    expect(await outcome).toContain("connection refused");
    expect([call.calls, clock.sleeping]).toEqual([2, 0]);
  });

  test("abandons a running attempt at the deadline, without counting it as an outage", async () => {
    const { availability, lines } = setUp();
    const deadline = new AbortController();
    const outcome = availability
      .untilAvailable(() => new Promise(() => {}), { signal: never, deadline: deadline.signal })
      .catch((error: AppError) => error.code);
    await settled();
    deadline.abort();
    expect(await outcome).toBe("unavailable");
    expect(lines).toEqual([]);
  });

  test("takes the signal for the deadline where none is given: no attempt follows the abort", async () => {
    const { availability } = setUp();
    const stop = new AbortController();
    const call = failing(9);
    const outcome = availability.untilAvailable(call, { signal: stop.signal }).catch(() => "stopped");
    await settled();
    stop.abort();
    expect([await outcome, call.calls]).toEqual(["stopped", 1]);
  });

  test("reports a missing first answer where one is required, without logging it", async () => {
    const { availability, lines, problems } = setUp({ requireFirstAnswer: true });
    expect(availability.problem).toBeNull();
    const first = Promise.withResolvers<string>();
    const outcome = availability.untilAvailable(() => first.promise, { signal: never });
    expect([availability.problem, availability.isDown]).toEqual(["has not answered yet", false]);
    first.resolve("answer");
    await outcome;
    await availability.untilAvailable(async () => "answer", { signal: never });
    expect(problems).toEqual(["has not answered yet", null]);
    expect(lines).toEqual([]);
  });
});

describe("whenUp()", () => {
  const isResolved = async (promise: Promise<void>) => {
    let resolved = false;
    void promise.then(() => {
      resolved = true;
    });
    await settled();
    return resolved;
  };

  test("resolves at once without an outage, and otherwise when it ends", async () => {
    const { availability } = setUp();
    expect(await isResolved(availability.whenUp({ signal: never }))).toBe(true);
    availability.down("connection refused");
    const waiting = availability.whenUp({ signal: never });
    expect(await isResolved(waiting)).toBe(false);
    availability.up();
    expect(await isResolved(waiting)).toBe(true);
  });

  test("resolves when the signal aborts", async () => {
    const { availability } = setUp();
    availability.down("connection refused");
    const stop = new AbortController();
    const waiting = availability.whenUp({ signal: stop.signal });
    stop.abort();
    expect(await isResolved(waiting)).toBe(true);
  });
});

describe("withinDeadline()", () => {
  test("does not call after the deadline", async () => {
    const call = failing(0);
    await expect(withinDeadline(call, AbortSignal.abort())).rejects.toMatchObject({ code: "unavailable" });
    expect(call.calls).toBe(0);
  });

  test("passes on the outcome and the error of a call in time", async () => {
    expect(await withinDeadline(failing(0), never)).toBe("answer");
    await expect(withinDeadline(failing(1, new Error("defect")), never)).rejects.toThrow("defect");
  });
});
