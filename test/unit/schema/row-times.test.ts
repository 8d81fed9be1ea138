import { describe, expect, test } from "bun:test";
import { lastRowTime, RowTimes } from "../../../schema/dcgm/time.ts";
import { createTimeZone, type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";

const LAST = lastRowTime(Date.UTC(2026, 10, 21));
const BERLIN = createTimeZone("Europe/Berlin") as TimeZone;
const NEW_YORK = createTimeZone("America/New_York") as TimeZone;

function read(text: string, zone: TimeZone = UTC): number | string {
  const time = new RowTimes(zone).parse(text, LAST);
  return time.ok ? time.value : time.error.detail;
}
const iso = (at: number | string): string => (typeof at === "number" ? new Date(at).toISOString() : at);

describe("RowTimes.parse()", () => {
  const at = Date.UTC(2026, 10, 20, 10, 0, 0);

  test.each([
    "2026-11-20T10:00:00Z",
    "2026-11-20t10:00:00z",
    "2026-11-20 10:00:00Z",
    "2026-11-20 10:00:00+00:00",
    "2026-11-20 11:00:00+01:00",
    "2026-11-20T10:00:00+0000",
    "2026-11-20T06:00:00-0400",
    "2026-11-20 10:00:00+00",
    "2026-11-20 12:00:00+02",
    "2026-11-20 10:00:00 UTC",
    "2026-11-20 10:00:00 +0000 UTC",
    "2026-11-20 11:00:00 +0100 CET",
    "2026-11-20 13:30:00 +0330 +0330",
    "2026-11-20 10:00:00 +0000 UTC m=+0.000012345",
    "2026-11-20T10:00:00.000999999Z",
    "2026/11/20 10:00:00",
    "2026-11-20 10:00:00",
    "2026-11-20T10:00:00",
    "1795168800",
    "1795168800.0",
    "1795168800.",
    "1795168800000",
    "1795168800000.9",
    "1.7951688e+09",
    "1.7951688E9",
    "1.7951688e12",
  ])("reads %s", (text) => {
    expect(read(text)).toBe(at);
  });

  test.each([
    ["2026-11-20 10:00:30.250000+00:00", at + 30_250],
    ["2026-11-20 10:00:30.25", at + 30_250],
    ["2026-11-20 10:00:00.5 +0000 UTC", at + 500],
    ["1795168860.5", at + 60_500],
    ["1795168860.123", at + 60_123],
    ["1795168860.1239", at + 60_123],
    ["1795168860123", at + 60_123],
  ])("reads the fraction of %s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    "20.11.2026 11:00",
    "11/20/2026 10:00:00",
    "2026-11/20 10:00:00",
    "2026-11-20",
    "2026-11-20 10:00",
    "2026-11-20 10:00:00 CET",
    "2026-11-20 10:00:00+24:00",
    "2026-11-20 10:00:00 +0000 UTC ",
    "2026-02-30 10:00:00",
    "2026-11-20 24:00:00",
    "-1795168800",
    "0x6b000000",
    "1e",
    "1,5",
    "",
    "yesterday",
  ])("refuses %p, and shows it with the accepted forms", (text) => {
    expect(read(text)).toContain("2025-07-18T20:42:34Z");
    expect(read(text)).toContain(JSON.stringify(text));
  });

  test.each(["1", "42", "20261120", "946684799", "1e99", "1999-12-31 23:59:59", "1999-12-31 23:59:59Z", "2026-11-23"])(
    "refuses %p: no time from 2000 to one day ahead",
    (text) => {
      expect(read(text)).toStartWith("timestamp must be ");
    },
  );

  test("reads a time without a zone in the given zone, in summer and in winter", () => {
    expect(iso(read("2026-11-20 10:00:00", BERLIN))).toBe("2026-11-20T09:00:00.000Z");
    expect(iso(read("2026-07-20T10:00:00.125", BERLIN))).toBe("2026-07-20T08:00:00.125Z");
    expect(iso(read("2026-07-20 10:00:00", NEW_YORK))).toBe("2026-07-20T14:00:00.000Z");
    expect(iso(read("2026-07-20 10:00:00Z", NEW_YORK))).toBe("2026-07-20T10:00:00.000Z");
    expect(read("1795168800", NEW_YORK)).toBe(at);
  });

  test("refuses a time in the hour that the zone leaves out", () => {
    expect(read("2026-03-29 02:30:00", BERLIN)).toContain("Europe/Berlin");
    expect(iso(read("2026-03-29 03:00:00", BERLIN))).toBe("2026-03-29T01:00:00.000Z");
  });
});

describe("the hour that comes twice", () => {
  /** Minutes after 00:00 UTC on the night on which Berlin's clocks go from 3 to 2 at 01:00 UTC. */
  const minutes = (times: RowTimes, texts: readonly string[]): number[] =>
    texts.map((text) => {
      const time = times.parse(`2026-10-25 ${text}`, LAST);
      if (!time.ok) throw new Error(time.error.detail);
      return (time.value - Date.UTC(2026, 9, 25)) / 60_000;
    });

  test("is resolved by the order of the rows", () => {
    const night = ["01:59:30", "02:00:00", "02:30:00", "02:59:00", "02:00:00", "02:30:00", "02:59:00", "03:00:00"];
    expect(minutes(new RowTimes(BERLIN), night)).toEqual([-0.5, 0, 30, 59, 60, 90, 119, 120]);
  });

  test("does not take the disorder within a tick for the second pass", () => {
    expect(minutes(new RowTimes(BERLIN), ["02:30:00", "02:29:59", "02:30:00", "02:29:30"])).toEqual([
      30, 29.983333333333334, 30, 29.5,
    ]);
  });

  test("begins anew with each series of a file that holds one after the other", () => {
    const series = ["02:15:00", "02:45:00", "02:15:00", "02:45:00"];
    expect(minutes(new RowTimes(BERLIN), [...series, ...series])).toEqual([15, 45, 75, 105, 15, 45, 75, 105]);
    const longer = ["01:45:00", ...series, "03:15:00"];
    expect(minutes(new RowTimes(BERLIN), [...longer, ...longer]).slice(6)).toEqual([-15, 15, 45, 75, 105, 135]);
  });

  test("continues from the time of the row before", () => {
    const texts = ["02:15:00", "02:45:00", "02:15:00", "02:45:00", "03:15:00", "02:30:00"];
    const whole = minutes(new RowTimes(BERLIN), texts);
    for (let cut = 0; cut <= texts.length; cut++) {
      const first = new RowTimes(BERLIN);
      const before = minutes(first, texts.slice(0, cut));
      expect([...before, ...minutes(new RowTimes(BERLIN, first.repeated), texts.slice(cut))]).toEqual(whole);
    }
  });
});

test("createTimeZone() returns undefined for a name that is no zone", () => {
  for (const name of ["Mars/Olympus", "CEST5", ""]) expect(createTimeZone(name)).toBeUndefined();
  for (const name of ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]) expect(createTimeZone(name)?.name).toBe(name);
});
