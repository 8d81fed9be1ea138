import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { openSources } from "../../../services/sources/open.ts";
import { announceSources } from "../../../services/streamer/announce.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";
import { csvText, rowClock, rowLine, type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";
import { filesAt } from "../../support/streamer/streamed.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
  await files.write("a.csv", csvText(rowLine(0)));
  await files.write("b.csv", gzipSync(csvText(rowLine(1))));
  await files.write("c.csv", "no,header\n");
});
afterAll(() => files[Symbol.asyncDispose]());

test("announceSources() logs the size and columns of each file, or its problem", async () => {
  const { log, lines } = keptLog();
  const paths = [files.path, `${files.path}/a.csv`];
  await announceSources(openSources(filesAt(...paths), { clock: rowClock }), { log, watch: false });
  const [{ size: a }, { size: b }] = [Bun.file(`${files.path}/a.csv`), Bun.file(`${files.path}/b.csv`)];
  expect(lines.map(({ message }) => message)).toEqual(["files found"]);
  expect(lines[0]?.fields).toMatchObject({
    count: 3,
    bytes: a + b + 10,
    files: [
      { path: `${files.path}/a.csv`, bytes: a, columns: DCGM_HEADER },
      { path: `${files.path}/b.csv`, bytes: b, compression: "gzip", columns: DCGM_HEADER },
      { path: `${files.path}/c.csv`, bytes: 10, problem: expect.stringContaining('found "no,header"') },
    ],
  });
});

const startStreamer = (csvPath: string) =>
  startProgram([BUN, "services/streamer/main.ts"], {
    ...{ CSV_PATH: csvPath, PORT: "0", LOG_FORMAT: "json", QUEUE_SERVICE_URL: "http://127.0.0.1:1" },
  });

test("the streamer's first log line names the files it found", async () => {
  await using streamer = startStreamer(`${files.path}/a.csv`);
  await streamer.logLine(({ message }) => message === "listening", { what: "listening" });
  const [first = ""] = streamer.output.stdout.split("\n");
  expect(JSON.parse(first)).toMatchObject({
    message: "files found",
    count: 1,
    files: [{ path: `${files.path}/a.csv`, columns: DCGM_HEADER }],
  });
});

test("a streamer without files names its path and the contents of the folder, and exits with 1", async () => {
  await using streamer = startStreamer(`${files.path}/d.csv`);
  expect(await streamer.exited).toBe(1);
  const lines = streamer.output.stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: "error",
      message: "stopped",
      reason: `Cannot read ${files.path}/d.csv: there is no such file or directory; ${files.path} holds a.csv, b.csv, c.csv`,
    },
  ]);
});

test("announceSources() of watched sources says that there is none yet, and otherwise throws", async () => {
  await using folder = await temporaryFolder();
  const { log, lines } = keptLog();
  const empty = openSources(filesAt(folder.path), { clock: rowClock });
  await announceSources(empty, { log, watch: true });
  expect(lines.map(({ message }) => message)).toEqual(["watching, no file yet"]);
  expect(announceSources(empty, { log, watch: false })).rejects.toThrow("Cannot read directory");
});
