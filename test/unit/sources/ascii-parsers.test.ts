import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RowTimes } from "../../../schema/dcgm/time.ts";
import { UTC } from "../../../schema/dcgm/time-zone.ts";
import { AsciiNumber } from "../../../services/sources/csv/ascii-number.ts";
import { AsciiTime } from "../../../services/sources/csv/ascii-time.ts";
import { equalBytes } from "../../../services/sources/csv/equal-bytes.ts";

const SURROUNDED = '"';

describe("AsciiNumber.read()", () => {
  const number = new AsciiNumber();
  const read = (text: string) => {
    const bytes = Buffer.from(text + SURROUNDED);
    return number.read(bytes, 0) === text.length ? number.value : undefined;
  };

  test("returns the same double as Number(), or -1", () => {
    const texts = fc.oneof(
      fc.stringMatching(/^-?\d{0,16}(\.\d{0,16})?$/),
      fc.stringMatching(/^-?9[0-3]\d{17}$/),
      fc.double({ noNaN: true }).map(String),
      fc.double({ min: 0, max: 1000, noNaN: true }).map((x) => x.toFixed(6)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const value = read(text);
        const isBlank = value !== undefined && value >= 9.2e18;
        return value === undefined || Object.is(value, Number(text)) || (isBlank && Number(text) >= 9.2e18);
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["0", 0],
    ["-0", -0],
    ["0.1", 0.1],
    ["999999999999999", 999999999999999],
    ["0.00000000000001", 1e-14],
    ["5.", 5],
    [".5", 0.5],
    ["007", 7],
  ])("reads %s", (text, value) => {
    expect(read(text)).toBe(value);
  });

  test.each([
    "",
    "-",
    ".",
    "-.",
    "+5",
    "1e3",
    "0x10",
    "1_000",
    " 5",
    "N/A",
    "1234567890123456",
    "9200000000000000001",
    "-9223372036854775808",
  ])("returns -1 for %p", (text) => {
    expect(read(text)).toBeUndefined();
  });
});

describe("AsciiTime.read()", () => {
  const read = (time: AsciiTime, text: string) => {
    const bytes = Buffer.alloc(64, SURROUNDED);
    bytes.write(text);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return time.read(bytes, view, 0) === text.length ? time.at : undefined;
  };

  const parse = (text: string) => new RowTimes(UTC).parse(text, Number.MAX_SAFE_INTEGER);

  test("agrees with RowTimes for times of the remembered day, in any order", () => {
    const DAY = Date.UTC(2024, 1, 29);
    const moments = fc.array(fc.integer({ min: -1000, max: 86_401_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(moments, fc.boolean(), (offsets, whole) => {
        const time = new AsciiTime({ isUtc: true });
        time.learnDay("2024-02-29T12:00:00Z");
        for (const offset of offsets) {
          const iso = new Date(DAY + offset).toISOString();
          const digits = whole ? 0 : Math.abs(offset) % 7;
          const fraction =
            digits === 0 ? "" : `.${(iso.slice(20, 23) + String(Math.abs(offset)).padStart(6, "9")).slice(0, digits)}`;
          const text = `${iso.slice(0, 19)}${fraction}Z`;
          const parsed = parse(text);
          const expected = iso.startsWith("2024-02-29") && parsed.ok ? Math.floor(parsed.value) : undefined;
          expect(read(time, text)).toBe(expected as number);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("returns -1 or agrees with RowTimes for a time with one damaged byte", () => {
    const text = "2024-02-29T23:59:58Z";
    for (let at = 0; at < text.length; at++) {
      for (const wrong of ["x", "9", " ", ":", "\0"]) {
        const damaged = text.slice(0, at) + wrong + text.slice(at + 1);
        const time = new AsciiTime({ isUtc: true });
        time.learnDay(text);
        expect(read(time, text)).toBe(Date.UTC(2024, 1, 29, 23, 59, 58));
        const parsed = parse(damaged);
        const value = read(time, damaged);
        if (value !== undefined) expect(parsed).toEqual({ ok: true, value });
      }
    }
  });

  test("agrees with RowTimes, or leaves the time to it, for other forms of the day's times", () => {
    const separators = fc.constantFrom("T", "t", " ", "_");
    const fractions = fc.constantFrom("", ".", ".5", ".123456", ".1234567");
    const zones = fc.constantFrom(
      "Z",
      "z",
      "",
      "+00:00",
      "+0130",
      "-11",
      "+24:00",
      "+0",
      "+00:60",
      "+0060",
      " UTC",
      " +0000 UTC",
    );
    const clocks = fc.constantFrom("00:00:00", "23:59:59", "24:00:00", "12:60:00", "1:00:00");
    fc.assert(
      fc.property(separators, clocks, fractions, zones, fc.boolean(), (separator, clock, fraction, zone, isUtc) => {
        const time = new AsciiTime({ isUtc });
        time.learnDay("2024-02-29 12:00:00");
        const text = `2024-02-29${separator}${clock}${fraction}${zone}`;
        const value = read(time, text);
        if (value !== undefined) expect(parse(text)).toEqual({ ok: true, value });
        if (!isUtc && zone === "") expect(value).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test("agrees with RowTimes, or leaves the number to it, for Unix seconds and milliseconds", () => {
    const numbers = fc.oneof(
      fc.integer({ min: 946_684_800, max: 2_000_000_000 }).map(String),
      fc.integer({ min: 946_684_800_000, max: 2_000_000_000_000 }).map(String),
      fc.stringMatching(/^1[0-9]{9}\.[0-9]{0,5}$/),
      fc.constantFrom("1e9", "1.5e9", "1700000000.1234567", "12345678901234567"),
    );
    fc.assert(
      fc.property(numbers, (text) => {
        const value = read(new AsciiTime({ isUtc: true }), text);
        if (value !== undefined) expect(parse(text)).toEqual({ ok: true, value });
        else expect(text).toMatch(/e|\d{16}|\.\d{6}/);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    "2024-02-29T24:00:00Z",
    "2024-02-29T23:60:00Z",
    "2024-02-29T23:59:60Z",
    "2024-02-29T23:59:59 UTC",
    "2024-02-29T23:59:59.Z",
    "2024-02-29T23:59:59.9999999Z",
  ])("returns -1 for %s", (text) => {
    const time = new AsciiTime({ isUtc: true });
    time.learnDay("2024-02-29T00:00:00Z");
    expect(read(time, text)).toBeUndefined();
  });
});

describe("equalBytes()", () => {
  test("detects one differing byte at any length and alignment", () => {
    const text = Buffer.from(Array.from({ length: 120 }, (_, index) => 33 + (index % 90)));
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    for (let length = 0; length <= 70; length++) {
      const other = Buffer.from(text);
      const otherView = new DataView(other.buffer, other.byteOffset, other.length);
      expect(equalBytes(view, 7, otherView, 7, length)).toBe(true);
      for (let at = 0; at < length; at++) {
        for (const wrong of [0, 1, 0x80, 0xff]) {
          const right = other[7 + at] as number;
          other[7 + at] = right ^ (wrong === 0 ? right : wrong);
          expect(equalBytes(view, 7, otherView, 7, length)).toBe(false);
          other[7 + at] = right;
        }
      }
    }
  });
});
