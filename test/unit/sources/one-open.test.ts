/** A pass opens each file once, so a file that is replaced meanwhile is never judged as one and read as the other. */
import { afterAll, beforeAll, describe, expect, mock, test } from "bun:test";
import * as files from "node:fs/promises";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { CSV_SUFFIXES, type CsvSuffix, csvBytes } from "../../support/sources/csv-file.ts";
import { fleetRows, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, filesAt, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";

const real = { ...files };
let onOpen: (path: string) => Promise<void> = async () => {};

beforeAll(async () => {
  const open: typeof files.open = async (path, ...rest) => {
    const handle = await real.open(path, ...rest);
    await onOpen(String(path));
    return handle;
  };
  await mock.module("node:fs/promises", () => ({ ...real, default: { ...real, open }, open }));
});
afterAll(async () => {
  await mock.module("node:fs/promises", () => ({ ...real, default: real }));
});

const rows = fleetRows({ gpus: 4, ticks: 6 });
const others = fleetRows({ gpus: 6, ticks: 8, metrics: 3 }).map((row) =>
  "skip" in row ? row : { ...row, at: row.at + 3_600_000 },
);

describe.each(CSV_SUFFIXES.map((suffix) => ({ suffix })))(
  "runStreamer() over files whose content is .csv$suffix",
  ({ suffix }) => {
    test("opens each file once per pass", async () => {
      await using folder = await temporaryFolder();
      const paths = ["a.csv", "b.csv"].map((name) => join(folder.path, name));
      for (const path of paths) await writeFile(path, csvBytes(rows, { suffix }));
      const opened: string[] = [];
      onOpen = async (path) => void opened.push(path);
      await stream({ sources: filesAt(folder.path) }, {});
      onOpen = async () => {};
      expect(opened).toEqual(paths);
    });

    // Another order of columns and another compression: mixed up, none of it can be read, or it is read wrongly.
    const header =
      "value,timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,labels_raw";
    const reordered = (text: string) => text.replaceAll(/^(.*),("[^"]*"),("[^"]*(?:""[^"]*)*")$/gm, "$2,$1,$3");
    const replacements: { what: string; content: () => Buffer }[] = [
      { what: "one of the same kind", content: () => csvBytes(others, { suffix }) },
      {
        what: "one with its columns in another order",
        content: () => Buffer.from(reordered(csvBytes(others).toString()).replace(/^.*$/m, header)),
      },
      {
        what: "one compressed otherwise",
        content: () => csvBytes(others, { suffix: CSV_SUFFIXES.find((other) => other !== suffix) as CsvSuffix }),
      },
    ];

    test.each(replacements)(
      "reads either the file or $what that replaces it at any moment, never a mix",
      async ({ content }) => {
        for (let moment = 1; moment <= 6; moment++) {
          await using folder = await temporaryFolder();
          const [path, coming] = [join(folder.path, "a.csv"), join(folder.path, "coming")];
          await writeFile(path, csvBytes(rows, { suffix }));
          await writeFile(coming, content());
          let opens = 0;
          onOpen = async () => {
            if (++opens === moment) await rename(coming, path);
          };
          const queue = openTestQueue();
          const { log, lines } = keptLog();
          const sources = filesAt(path);
          const first = await stream({ sources }, { queue, log });
          onOpen = async () => {};
          expect(first).toMatchObject({ skipped: {}, failed: false });
          const sent = storedOf(await batchesIn(queue));
          expect([readingsOf(rows), readingsOf(others)]).toContainEqual(sent);
          // The position belongs to the content that was read: only the other one is new to a later run.
          const second = await stream({ sources }, { queue, log });
          const now = opens >= moment ? others : rows;
          const isNew = JSON.stringify(sent) !== JSON.stringify(readingsOf(now));
          expect(second.readings).toBe(isNew ? now.length : 0);
          expect(lines.filter(({ message }) => message === "row skipped")).toEqual([]);
        }
      },
    );
  },
);
