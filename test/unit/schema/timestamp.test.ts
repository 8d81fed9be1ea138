import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatTimestamp, parseTimestamp } from "../../../schema/model/timestamp.ts";

const read = (text: string) => {
  const time = parseTimestamp(text);
  return time.ok ? time.value : null;
};

test("parseTimestamp() reads zones, fractions, and T and Z in both cases", () => {
  const noon = Date.UTC(2025, 6, 18, 12);
  expect(read("2025-07-18T12:00:00Z")).toBe(noon);
  expect(read("2025-07-18t12:00:00z")).toBe(noon);
  expect(read("2025-07-18T14:30:00+02:30")).toBe(noon);
  expect(read("2025-07-18T04:00:00-08:00")).toBe(noon);
  expect(read("2025-07-18T12:00:00.25Z")).toBe(noon + 250);
  expect(read("2025-07-18T12:00:00.0005Z")).toBe(noon + 0.5);
  expect(read("2024-02-29T00:00:00Z")).toBe(Date.UTC(2024, 1, 29));
});

test("parseTimestamp() rejects text that is not a moment", () => {
  for (const text of [
    "",
    "2025-07-18",
    "2025-07-18T12:00:00",
    "2025-07-18T12:00Z",
    "2025-07-18 12:00:00Z",
    "2025-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-07-18T24:00:00Z",
    "2025-07-18T12:60:00Z",
    "2025-07-18T12:00:00+24:00",
    "2025-07-18T12:00:00 02:00",
    "1752840000",
    " 2025-07-18T12:00:00Z",
  ]) {
    expect([text, read(text)]).toEqual([text, null]);
  }
});

test("formatTimestamp() keeps milliseconds, and has no fraction at whole seconds", () => {
  expect(formatTimestamp(Date.UTC(2025, 11, 12, 4, 15, 32))).toBe("2025-12-12T04:15:32Z");
  expect(formatTimestamp(Date.UTC(2025, 11, 12, 4, 15, 32) + 7)).toBe("2025-12-12T04:15:32.007Z");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 0) }), (ms) => {
      expect(Math.round(read(formatTimestamp(ms)) ?? Number.NaN)).toBe(ms);
    }),
  );
});
