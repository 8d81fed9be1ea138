import { appendFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openSources } from "../../services/sources/open.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { CSV_SUFFIXES, type CsvSuffix, csvBytes, csvLines, packCsv } from "../support/sources/csv-file.ts";
import { rowClock } from "../support/sources/dcgm-file.ts";
import { filesAt } from "../support/streamer/streamed.ts";
import { sourcesConformance } from "./sources.ts";

const openBench = (suffixOf: (name: string) => CsvSuffix) => async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, "data");
  await mkdir(path);
  const fileOf = (name: string) => join(path, `${name}.csv${suffixOf(name)}`);
  /** A new file takes the place of the old one, whose content stays as it was. */
  const replace = async (name: string, bytes: Uint8Array) => {
    const coming = join(folder.path, "coming");
    await writeFile(coming, bytes);
    await rename(coming, fileOf(name));
  };
  return {
    sources: openSources(filesAt(path), { clock: rowClock }),
    write: (name: string, rows: Parameters<typeof csvBytes>[0]) =>
      replace(name, csvBytes(rows, { suffix: suffixOf(name) })),
    append: (name: string, rows: Parameters<typeof csvBytes>[0]) =>
      appendFile(fileOf(name), packCsv(csvLines(rows), suffixOf(name))),
    spoil: (name: string) => replace(name, packCsv("time,watts\n1,2\n", suffixOf(name))),
    remove: (name: string) => rm(fileOf(name)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
};

for (const suffix of CSV_SUFFIXES)
  sourcesConformance(
    `.csv${suffix} file`,
    openBench(() => suffix),
  );

sourcesConformance(
  "mixed file",
  openBench((name) => CSV_SUFFIXES[name.charCodeAt(0) % CSV_SUFFIXES.length] as CsvSuffix),
);
