import { describe, expect, test } from "bun:test";
import { formatBytes, formatSpan } from "../../../services/all-in-one/figures.ts";
import { type Progress, ProgressDisplay } from "../../../services/all-in-one/progress.ts";

describe("ProgressDisplay", () => {
  const progress: Progress = {
    bytesRead: 512 * 1024,
    bytesTotal: 2 * 1024 * 1024,
    readings: 5000,
    skipped: 0,
    source: "a.csv",
  };
  const display = (output: { isTTY?: boolean; columns?: number }) => {
    const written: string[] = [];
    let now = 0;
    const shown = new ProgressDisplay({ ...output, write: (text) => written.push(text) }, () => now);
    return {
      shown,
      written,
      at: (ms: number) => {
        now = ms;
      },
    };
  };

  test("draws a bar with bytes, rate and time left on a terminal, and removes it", () => {
    const { shown, written, at } = display({ isTTY: true, columns: 120 });
    at(1000);
    shown.show(progress);
    expect(written).toEqual([
      "\r\x1b[2K██████░░░░░░░░░░░░░░░░░░ 25% · 512.0 KiB of 2.0 MiB · 5,000 readings/s · 3 s left · a.csv",
    ]);
    shown.clear();
    expect(written.at(-1)).toBe("\r\x1b[2K");
  });

  test("shows skipped rows in place of a rate of 0 while nothing was readable", () => {
    const { shown, written, at } = display({});
    at(2500);
    shown.show({ ...progress, bytesRead: 2 * 1024 * 1024, readings: 0, skipped: 1203 });
    expect(written).toEqual(["100% · 2.0 MiB of 2.0 MiB · no readings, 1,203 rows skipped · 0 s left · a.csv\n"]);
  });

  test("never draws wider than the terminal", () => {
    const { shown, written, at } = display({ isTTY: true, columns: 40 });
    at(1000);
    shown.show(progress);
    expect(written[0]?.replace("\r\x1b[2K", "").length).toBe(39);
  });

  test("writes plain lines every two seconds without a terminal, and clears nothing", () => {
    const { shown, written, at } = display({});
    for (const ms of [500, 1000, 2500, 2600, 4600]) {
      at(ms);
      shown.show(progress);
    }
    shown.clear();
    expect(written).toEqual([
      "25% · 512.0 KiB of 2.0 MiB · 2,000 readings/s · 8 s left · a.csv\n",
      "25% · 512.0 KiB of 2.0 MiB · 1,087 readings/s · 14 s left · a.csv\n",
    ]);
  });
});

test("formatBytes() picks the unit that fits", () => {
  expect([0, 1023, 1024, 1_500_000, 3 * 1024 ** 4].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.4 MiB",
    "3.0 TiB",
  ]);
});

test("formatSpan() uses seconds, minutes or hours", () => {
  expect([400, 59_400, 61_000, 3_700_000].map(formatSpan)).toEqual(["0 s", "59 s", "1 min 1 s", "1 h 1 min"]);
});
