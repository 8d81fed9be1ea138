import { expect, test } from "bun:test";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { writeCsv } from "../../support/sources/csv-file.ts";
import { fleetRows, type MemoryRow, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, bucketsOf, filesAt, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";

const rows: MemoryRow[] = [...fleetRows({ gpus: 20, ticks: 8, metrics: 3 }), { skip: "fields" }];
const manners = [
  { intervalMs: 100, batchSize: 12 },
  { intervalMs: 0, batchSize: 25 },
];

for (const suffix of ["", ".gz", ".zst"] as const) {
  test(`runStreamer() aborted repeatedly over a file on disk (.csv${suffix}) sends the same batches`, async () => {
    await using folder = await temporaryFolder();
    const sources = filesAt(await writeCsv(folder.path, rows, { suffix }));
    for (const manner of manners) {
      const [whole, pieces] = [openTestQueue(), openTestQueue()];
      await stream({ ...manner, sources }, { queue: whole });
      let runs = 0;
      for (let passes = 0; passes === 0; runs++) {
        ({ passes } = await stream({ ...manner, sources }, { queue: pieces, stopAfter: 3 }));
      }
      expect(runs).toBeGreaterThan(3);
      const batches = await batchesIn(pieces);
      expect(batches.map(bucketsOf)).toEqual((await batchesIn(whole)).map(bucketsOf));
      expect(storedOf(batches)).toEqual(readingsOf(rows));
    }
  });
}

test("runStreamer() over a file that is being written sends whole rows only, and the rest later", async () => {
  await using folder = await temporaryFolder();
  const path = await writeCsv(folder.path, rows);
  const bytes = await readFile(path);
  const queue = openTestQueue();
  const ends = [10_000, 10_050, 10_101, 30_000, bytes.length];
  await writeFile(path, "");
  let written = 0;
  for (const end of ends) {
    await appendFile(path, bytes.subarray(written, end));
    written = end;
    await stream({ sources: filesAt(path) }, { queue });
  }
  const batches = await batchesIn(queue);
  expect(storedOf(batches)).toEqual(readingsOf(rows));
  expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length - 1);
});
