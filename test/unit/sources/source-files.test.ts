import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { relative } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { findSources } from "../../../services/sources/files/source-files.ts";
import { type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
  await mkdir(`${files.path}/empty`);
  await mkdir(`${files.path}/no-csv/other`, { recursive: true });
  await files.write("no-csv/notes.md", "");
  await mkdir(`${files.path}/day/night.csv`, { recursive: true });
  for (const name of ["b.csv", "a.csv.gz", "B.csv", "c.zst", "a.csv", "notes.txt", "night.csv/deep.csv"]) {
    await files.write(`day/${name}`, name);
  }
  await files.write("[odd].csv", "odd");
});
afterAll(() => files[Symbol.asyncDispose]());

const found = async (path: string) => {
  const sources = await findSources(`${files.path}/${path}`);
  return sources.map((source) => ({ ...source, path: relative(files.path, source.path) }));
};
const names = async (path: string) => (await found(path)).map((source) => source.path);

describe("findSources()", () => {
  test("gives a file by its name, with its size and compression, whatever it is called", async () => {
    expect(await found("day/a.csv.gz")).toEqual([{ path: "day/a.csv.gz", size: 8, compression: "gzip" }]);
    expect(await found("day/c.zst")).toEqual([{ path: "day/c.zst", size: 5, compression: "zstd" }]);
    expect(await found("day/notes.txt")).toEqual([{ path: "day/notes.txt", size: 9, compression: "none" }]);
  });

  test("takes a file for packed that begins like one, whatever it is called", async () => {
    await files.write("mounted.csv", gzipSync("a"));
    await files.write("mounted-too.csv", zstdCompressSync("a"));
    await files.write("short.csv", new Uint8Array([0x1f]));
    expect((await found("mounted*.csv")).map(({ compression }) => compression)).toEqual(["zstd", "gzip"]);
    expect(await found("short.csv")).toMatchObject([{ compression: "none" }]);
  });

  test("gives a directory's own data files, sorted as bytes", async () => {
    expect(await names("day")).toEqual(["day/B.csv", "day/a.csv", "day/a.csv.gz", "day/b.csv", "day/c.zst"]);
  });

  test("gives what a glob matches, sorted, and never directories", async () => {
    expect(await names("day/*.csv")).toEqual(["day/B.csv", "day/a.csv", "day/b.csv"]);
    expect(await names("day/{a,b}.csv*")).toEqual(["day/a.csv", "day/a.csv.gz", "day/b.csv"]);
    expect(await names("**/deep.csv")).toEqual(["day/night.csv/deep.csv"]);
  });

  test("takes a name that exists for a name, also with brackets in it", async () => {
    expect(await names("[odd].csv")).toEqual(["[odd].csv"]);
  });

  test("follows links and leaves out those that lead nowhere", async () => {
    await mkdir(`${files.path}/links`);
    await symlink(`${files.path}/day/b.csv`, `${files.path}/links/good.csv`);
    await symlink(`${files.path}/gone.csv`, `${files.path}/links/bad.csv`);
    expect(await names("links")).toEqual(["links/good.csv"]);
  });

  test.each([
    ["gone.csv", "not_found", "there is no such file or directory"],
    ["day/a.csv/x.csv", "not_found", "there is no such file or directory"],
    ["day/*.parquet", "not_found", "it matches no file"],
    ["empty", "invalid", "it has no .csv, .csv.gz or .csv.zst file; there is nothing"],
    ["no-csv", "invalid", "it has no .csv, .csv.gz or .csv.zst file; there is notes.md, other/"],
  ])("says of %s that it is %s", async (path, code, why) => {
    const refusal = findSources(`${files.path}/${path}`);
    await expect(refusal).rejects.toMatchObject({ name: "AppError", code });
    await expect(refusal).rejects.toThrow(`${files.path}/${path}: ${why}`);
  });

  test.each(["no-csv/gone.csv", "no-csv/gone/deep.csv", "no-csv/*.csv", "no-csv/{gone,away}/*.csv"])(
    "says of %s what is there instead",
    async (path) => {
      await expect(found(path)).rejects.toThrow(`in ${files.path}/no-csv there is notes.md, other/`);
    },
  );

  test("names ten of many", async () => {
    await mkdir(`${files.path}/many`);
    for (let n = 10; n < 25; n++) await files.write(`many/${n}.txt`, "");
    await expect(found("many")).rejects.toThrow(/file; there is (\d+\.txt, ){9}\d+\.txt and more$/);
  });
});
