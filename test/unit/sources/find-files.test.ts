import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, realpath, symlink } from "node:fs/promises";
import { relative } from "node:path";
import { findFiles } from "../../../services/sources/files/find-files.ts";
import { openSources } from "../../../services/sources/open.ts";
import { csvText, rowClock, rowLine, type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";
import { filesAt } from "../../support/streamer/streamed.ts";

const ENDINGS = "it must hold a file that ends in .csv, .tsv, .txt, .prom, .json, .jsonl, .ndjson, .gz or .zst";

let files: TempFiles;
let root: string;
beforeAll(async () => {
  files = await tempFiles();
  root = await realpath(files.path);
  await mkdir(`${files.path}/empty`);
  await mkdir(`${files.path}/no-csv/other`, { recursive: true });
  await files.write("no-csv/notes.md", "");
  await mkdir(`${files.path}/day/night.csv`, { recursive: true });
  for (const name of [
    "b.csv",
    "a.csv.gz",
    "B.csv",
    "c.zst",
    "a.csv",
    "d.PROM",
    "e.json",
    "notes.md",
    "night.csv/deep.csv",
  ]) {
    await files.write(`day/${name}`, name);
  }
  await files.write("[odd].csv", "odd");
});
afterAll(() => files[Symbol.asyncDispose]());

const found = async (path: string) => {
  const sources = await findFiles(`${files.path}/${path}`);
  return sources.map(({ id, name, bytes }) => ({ id: relative(root, id), name: relative(files.path, name), bytes }));
};
const names = async (path: string) => (await found(path)).map((source) => source.name);

describe("findFiles()", () => {
  test("finds a file of any name, with its size", async () => {
    for (const [name, bytes] of [
      ["day/a.csv.gz", 8],
      ["day/c.zst", 5],
      ["day/notes.md", 8],
    ] as const) {
      expect(await found(name)).toEqual([{ id: name, name, bytes }]);
    }
  });

  test("finds the data files directly in a directory, sorted", async () => {
    expect(await names("day")).toEqual(
      ["B.csv", "a.csv", "a.csv.gz", "b.csv", "c.zst", "d.PROM", "e.json"].map((name) => `day/${name}`),
    );
  });

  test("finds the files that a glob matches, sorted, and no directories", async () => {
    expect(await names("day/*.csv")).toEqual(["day/B.csv", "day/a.csv", "day/b.csv"]);
    expect(await names("day/{a,b}.csv*")).toEqual(["day/a.csv", "day/a.csv.gz", "day/b.csv"]);
    expect(await names("**/deep.csv")).toEqual(["day/night.csv/deep.csv"]);
  });

  test("takes an existing name with brackets for a file, not for a glob", async () => {
    expect(await names("[odd].csv")).toEqual(["[odd].csv"]);
  });

  test("follows links, identifies them by their targets, and leaves out those that lead nowhere", async () => {
    await mkdir(`${files.path}/links`);
    await symlink(`${files.path}/day/b.csv`, `${files.path}/links/good.csv`);
    await symlink(`${files.path}/gone.csv`, `${files.path}/links/bad.csv`);
    expect(await found("links")).toEqual([{ id: "day/b.csv", name: "links/good.csv", bytes: 5 }]);
  });

  test.each([
    ["gone.csv", "not_found", "there is no such file or directory"],
    ["day/a.csv/x.csv", "not_found", "there is no such file or directory"],
    ["day/*.parquet", "not_found", "no file matches"],
    ["empty", "invalid", `${ENDINGS}, but holds nothing`],
    ["no-csv", "invalid", `${ENDINGS}, but holds notes.md, other/`],
  ])("rejects %s as %s", async (path, code, why) => {
    const refusal = findFiles(`${files.path}/${path}`);
    await expect(refusal).rejects.toMatchObject({ name: "AppError", code });
    await expect(refusal).rejects.toThrow(`${files.path}/${path}: ${why}`);
  });

  test.each(["no-csv/gone.csv", "no-csv/gone/deep.csv", "no-csv/*.csv", "no-csv/{gone,away}/*.csv"])(
    "names the contents of the nearest folder for %s",
    async (path) => {
      await expect(found(path)).rejects.toThrow(`${files.path}/no-csv holds notes.md, other/`);
    },
  );

  test("names ten of many files", async () => {
    await mkdir(`${files.path}/many`);
    for (let n = 10; n < 25; n++) await files.write(`many/${n}.md`, "");
    await expect(found("many")).rejects.toThrow(/but holds (\d+\.md, ){9}\d+\.md and more$/);
  });
});

test("openFiles() takes names that every object has for names of files", async () => {
  await files.write("constructor", csvText(rowLine(0)));
  await files.write("copy", csvText(rowLine(1)));
  const here = process.cwd();
  process.chdir(files.path);
  try {
    const copies = new Map([["standard input", `${files.path}/copy`]]);
    const sources = openSources({ ...filesAt("constructor", "standard input"), copies }, { clock: rowClock });
    const found = await sources.find();
    expect(found.map(({ name }) => name)).toEqual(["constructor", "standard input"]);
    for (const source of found) {
      await using opened = await sources.open(source);
      expect(opened.bytes).toBe(source.bytes);
    }
  } finally {
    process.chdir(here);
  }
});
