import { expect, test } from "bun:test";
import { describeImport, type ImportSummary } from "../../../services/all-in-one/import-summary.ts";
import { MemoryFiles, type MemoryRow } from "../../support/sources/memory-files.ts";
import { stream } from "../../support/streamer/streamed.ts";

const stored = { readings: 0, duplicateReadings: 0, tooOld: 0 } as ImportSummary["stored"];

async function summaryOf(contents: Record<string, readonly MemoryRow[]>): Promise<string[]> {
  const streamed = await stream({}, { sources: new MemoryFiles(contents) });
  return describeImport({ streamed, stored, tookMs: 1000, store: "x.sqlite", interrupted: false }).split("\n");
}

test("describeImport() shows the first three skipped rows of each reason, the most frequent reason first", async () => {
  const skips = (reason: "uuid" | "time", count: number) => Array.from({ length: count }, () => ({ skip: reason }));
  const lines = await summaryOf({
    "/a.csv": [...skips("time", 2), ...skips("uuid", 1)],
    "/b.csv": skips("uuid", 1200),
  });
  const from = lines.findIndex((line) => line.startsWith("Skipped"));
  expect(lines.slice(from, from + 8)).toEqual([
    "Skipped    1,203 rows, 1,201 uuid, 2 time",
    "           uuid: /a.csv line 4: row 4 is bad",
    "           uuid: /b.csv line 2: row 2 is bad",
    "           uuid: /b.csv line 3: row 3 is bad",
    "           uuid: 1,198 more",
    "           time: /a.csv line 2: row 2 is bad",
    "           time: /a.csv line 3: row 3 is bad",
    "Store      x.sqlite",
  ]);
});

test("describeImport() without skipped rows shows their number alone", async () => {
  const lines = await summaryOf({ "/a.csv": [] });
  expect(lines).toContain("Skipped    0 rows");
});

test("describeImport() escapes control characters of file names", async () => {
  const lines = await summaryOf({ "/\u001b[2Ja\n.csv": [{ skip: "uuid" }] });
  expect(lines).toContain("           uuid: /\\u001b[2Ja\\n.csv line 2: row 2 is bad");
});
