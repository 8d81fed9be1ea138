import { describe, expect, test } from "bun:test";
import {
  MAX_METRICS,
  parseCursor,
  parseDuration,
  parseLimit,
  parseMetrics,
  parseUuid,
  parseWindow,
} from "../../../schema/model/arguments.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { encodeCursor } from "../../../schema/model/page.ts";

/** Returns the message of the AppError `invalid` that the call throws. */
function refusal(call: () => unknown): string {
  try {
    return `returned ${String(call())}`;
  } catch (error) {
    return error instanceof AppError && error.code === "invalid" ? error.message : `threw ${String(error)}`;
  }
}

describe("parseWindow()", () => {
  const NOW = Date.UTC(2025, 6, 18, 20);
  const at = (text: string) => Date.parse(text);

  test("turns inclusive bounds into a half-open window of whole milliseconds", () => {
    const [startTime, endTime] = ["2025-07-18T20:00:00.0001Z", "2025-07-18T21:00:00Z"];
    expect(parseWindow({ startTime, endTime }, NOW)).toEqual({
      from: at("2025-07-18T20:00:00.001Z"),
      to: at("2025-07-18T21:00:00.001Z"),
    });
  });

  test("takes seconds since the epoch, and times relative to the given now", () => {
    expect(parseWindow({ startTime: "now-1h", endTime: 1_752_871_354 }, NOW)).toEqual({
      from: NOW - 3_600_000,
      to: 1_752_871_354_001,
    });
  });

  test("leaves an absent bound open", () => {
    expect(parseWindow({}, NOW)).toEqual({ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY });
    expect(parseWindow({ startTime: null, endTime: "1970-01-01T00:00:00Z" }, NOW).to).toBe(1);
  });

  test("accepts a single moment and rejects a start after the end", () => {
    const startTime = "2025-07-18T21:00:00Z";
    expect(parseWindow({ startTime, endTime: startTime }, NOW)).toMatchObject({
      from: at(startTime),
      to: at(startTime) + 1,
    });
    expect(refusal(() => parseWindow({ startTime, endTime: "2025-07-18T20:00:00Z" }, NOW))).toMatch(
      /^startTime .*endTime/,
    );
    expect(refusal(() => parseWindow({ endTime: "yesterday" }, NOW))).toMatch(/^endTime .*RFC 3339/);
    expect(refusal(() => parseWindow({ endTime: -5 }, NOW))).toMatch(/^endTime .*RFC 3339/);
  });
});

describe("parseDuration()", () => {
  const parse = (value: unknown) => parseDuration("every", value, { minMs: 100 });

  test("returns milliseconds", () => {
    const durations = { "100ms": 100, "250.5ms": 250.5, "0.1s": 100, "1.5s": 1500, "5m": 300_000, "1h": 3_600_000 };
    for (const [text, ms] of Object.entries(durations)) expect([text, parse(text)]).toEqual([text, ms]);
  });

  test.each(["99ms", "0.05s", "61m", "1.1h", "1d", "5", "s", "-1s", " 1s", "1 s", "1e3ms", "", 5, null])(
    "rejects %p and names the accepted values",
    (value) => {
      expect(refusal(() => parse(value))).toMatch(/^every .*at least 100ms and at most 1h/);
    },
  );
});

describe("other arguments", () => {
  test("parseLimit() uses the default without a limit and rejects one that is out of bounds", () => {
    const limits = { default: 50, max: 1000 };
    expect([undefined, null, 1, 1000].map((limit) => parseLimit(limit, limits))).toEqual([50, 50, 1, 1000]);
    for (const limit of [0, -1, 1001]) {
      expect(refusal(() => parseLimit(limit, limits))).toMatch(/^limit .*from 1 to 1,000/);
    }
  });

  test("parseMetrics() returns names without duplicates", () => {
    expect(parseMetrics(undefined)).toBeUndefined();
    expect(parseMetrics(["b", "a", "b"])).toEqual(["b", "a"]);
    expect(refusal(() => parseMetrics(Array.from({ length: MAX_METRICS + 1 }, String)))).toMatch(/^metrics .*200/);
  });

  test("parseUuid() returns the canonical form and rejects values other than text", () => {
    const uuid = "GPU-5fd4f087-86f3-7a43-b711-4771313afc50";
    expect(parseUuid(uuid.replace("5fd4f087", "5FD4F087"))).toBe(uuid as never);
    for (const value of ["GPU-1", "", 5, null, {}]) expect(refusal(() => parseUuid(value))).toMatch(/^uuid /);
  });

  test("parseCursor() returns the result of `read` for the parts and rejects other cursors", () => {
    const read = ([first]: readonly unknown[]) => (typeof first === "number" ? first : undefined);
    expect(parseCursor(null, read)).toBeUndefined();
    expect(parseCursor(encodeCursor([7]), read)).toBe(7);
    for (const text of [encodeCursor(["seven"]), "no cursor", ""]) {
      expect(refusal(() => parseCursor(text, read))).toMatch(/^after /);
    }
  });
});
