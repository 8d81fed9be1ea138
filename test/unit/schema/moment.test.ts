import { describe, expect, test } from "bun:test";
import { parseMoment } from "../../../schema/model/moment.ts";

const NOW = Date.UTC(2025, 6, 20, 10);
const read = (value: unknown): number | string => {
  const time = parseMoment(value, NOW);
  return time.ok ? time.value : time.error;
};

describe("parseMoment()", () => {
  test("reads RFC 3339 with a zone", () => {
    expect(read("2025-07-18T22:42:34.5+02:00")).toBe(Date.UTC(2025, 6, 18, 20, 42, 34, 500));
  });

  test("reads seconds since the epoch, as text or number, with or without a fraction", () => {
    expect(["1752871354", "1752871354.25", "0"].map(read)).toEqual([1_752_871_354_000, 1_752_871_354_250, 0]);
    expect([1_752_871_354, 1_752_871_354.5].map(read)).toEqual([1_752_871_354_000, 1_752_871_354_500]);
  });

  test("reads now and durations before now", () => {
    const ago = { now: 0, "now-1h": 3_600_000, "now-90s": 90_000, "now-1d12h": 129_600_000, "now-250ms": 250 };
    for (const [text, ms] of Object.entries(ago)) expect([text, read(text)]).toEqual([text, NOW - ms]);
    expect(read("now-2w")).toBe(NOW - 1_209_600_000);
  });

  test.each(["yesterday", "now-", "now-1", "now+1h", "NOW", "-5", "1e9", "", " 5", "now-999999999w", true, null, -5])(
    "rejects %p and names the accepted values",
    (value) => {
      expect(read(value)).toMatch(/^must be an RFC 3339 time .* seconds since the epoch, .* now-1h, got /);
    },
  );

  test("says %2B where a plus has become a space", () => {
    expect(read("2025-07-18T22:42:34 02:00")).toMatch(/got "2025-07-18T22:42:34 02:00": .*%2B/);
    expect(read("2025-07-18 22:42:34")).not.toMatch("%2B");
  });

  test("says seconds where the number can only be milliseconds", () => {
    expect(read("1752871354000")).toMatch(/give seconds, not milliseconds$/);
  });
});
