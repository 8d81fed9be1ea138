import { expect, test } from "bun:test";
import { describeImport, type ImportSummary, importAsJson } from "../../../services/all-in-one/import-summary.ts";
import { fleetRows, MemoryFiles, type MemoryRow } from "../../support/sources/memory-files.ts";
import { stream } from "../../support/streamer/streamed.ts";

const stored = { readings: 0, duplicateReadings: 0, tooOld: 0 };
const rows = fleetRows({ gpus: 2, ticks: 3, metrics: 1 });

async function imported(contents: Record<string, readonly MemoryRow[]>): Promise<ImportSummary> {
  const streamed = await stream({}, { sources: new MemoryFiles(contents) });
  return { streamed, stored, tookMs: 1000, store: "x.sqlite", interrupted: false };
}

const summaryOf = async (contents: Record<string, readonly MemoryRow[]>): Promise<string[]> =>
  describeImport(await imported(contents)).split("\n");

test("describeImport() shows the first three skipped rows of each reason and how to mend them", async () => {
  const skips = (reason: "uuid" | "time", count: number) => Array.from({ length: count }, () => ({ skip: reason }));
  const lines = await summaryOf({
    "/a.csv": [...skips("time", 2), ...skips("uuid", 1)],
    "/b.csv": skips("uuid", 1200),
  });
  const from = lines.findIndex((line) => line.startsWith("Skipped"));
  expect(lines.slice(from, from + 12)).toEqual([
    "Skipped    1,203 rows, 1,201 uuid, 2 time",
    "           uuid: /a.csv line 4: row 4 is bad",
    "           uuid: /b.csv line 2: row 2 is bad",
    "           uuid: /b.csv line 3: row 3 is bad",
    "           uuid: 1,198 more",
    "           uuid: to mend: export the label UUID, or Hostname and gpu, with each row",
    "           time: /a.csv line 2: row 2 is bad",
    "           time: /a.csv line 3: row 3 is bad",
    expect.stringMatching(/^ {11}time: to mend: write times such as 2025-07-18T20:42:34Z/),
    "Failed     /a.csv: Cannot read the rows: all are bad",
    "Failed     /b.csv: Cannot read the rows: all are bad",
    "Store      x.sqlite",
  ]);
});

test("describeImport() says that nothing was readable in place of a rate of 0 readings", async () => {
  const lines = await summaryOf({ "/a.csv": [{ skip: "time" }, { skip: "uuid" }] });
  expect(lines[0]).toBe("Read       0 readings: none of 2 rows could be read");
});

test("describeImport() without skipped rows shows their number alone", async () => {
  const lines = await summaryOf({ "/a.csv": [] });
  expect(lines).toContain("Skipped    0 rows");
});

test("describeImport() names series and first time of values that differ", async () => {
  const lines = await summaryOf({ "/a.csv": [...rows, { ...rows[0], value: 77 } as MemoryRow] });
  expect(lines).toContain("Stored     0 new readings, 1 duplicate, 1 of them with another value");
  expect(lines).toContain(
    "Differing  DCGM_FI_DEV_TEST_0 of GPU-5fd4f087-86f3-7a43-b711-000000000000 at 2025-07-18T20:42:34Z: 0 and 77",
  );
});

test("describeImport() of a dry run says that nothing was stored", async () => {
  const text = describeImport({ ...(await imported({ "/a.csv": rows })), stored: null });
  expect(text).toContain("Read       6 readings in 1.0 s");
  expect(text).toContain("Stored     nothing, this was a dry run; the files hold 0 duplicates\n");
});

test("describeImport() escapes control characters of file names", async () => {
  const lines = await summaryOf({ "/\u001b[2Ja\n.csv": [{ skip: "uuid" }] });
  expect(lines).toContain("           uuid: /\\u001b[2Ja\\n.csv line 2: row 2 is bad");
});

test("importAsJson() returns all figures and the explained skips on one line", async () => {
  const text = importAsJson(
    await imported({ "/a.csv": [...rows, { ...rows[0], value: 77 } as MemoryRow, { skip: "time" }] }),
  );
  expect(text).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(text)).toEqual({
    readings: 6,
    gpus: 2,
    metrics: ["DCGM_FI_DEV_TEST_0"],
    from: "2025-07-18T20:42:34Z",
    to: "2025-07-18T20:42:36Z",
    stored: { new: 0, duplicate: 1, tooOld: 0 },
    differing: {
      readings: 1,
      first: [
        {
          gpu: "GPU-5fd4f087-86f3-7a43-b711-000000000000",
          series: "DCGM_FI_DEV_TEST_0",
          at: "2025-07-18T20:42:34Z",
          values: [0, 77],
        },
      ],
    },
    skipped: [
      {
        reason: "time",
        rows: 1,
        examples: [{ source: "/a.csv", line: 9, detail: "row 9 is bad" }],
        mend: expect.stringContaining("2025-07-18T20:42:34Z"),
      },
    ],
    sources: [{ name: "/a.csv", bytes: 900, problem: null }],
    unreadable: false,
    unchanged: false,
    interrupted: false,
    store: "x.sqlite",
    tookMs: 1000,
  });
});

test("importAsJson() of a dry run has no stored readings", async () => {
  const text = importAsJson({ ...(await imported({ "/a.csv": rows })), stored: null });
  expect(JSON.parse(text)).toMatchObject({ readings: 6, stored: null });
});
