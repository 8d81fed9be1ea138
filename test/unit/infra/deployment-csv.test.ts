import { expect, test } from "bun:test";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readCsv } from "../../../infra/scripts/deployment/cluster/csv.ts";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";

const ROWS = `${DCGM_HEADER}\n${"x".repeat(100_000)}\n`;

test("readCsv() accepts plain and compressed files and folders, and gives unchanged files the same hash", async () => {
  await using folder = await temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  await Bun.write(path("a.csv"), `\uFEFF${DCGM_HEADER.replace(/\w+/g, '"$&"')}\r\n`);
  await Bun.write(path("b.csv.gz"), gzipSync(ROWS));
  await Bun.write(path("c.csv.zst"), zstdCompressSync(ROWS));
  await Bun.write(path("notes.txt"), "not read");
  const all = await readCsv(folder.path);
  expect(all.files).toEqual([path("a.csv"), path("b.csv.gz"), path("c.csv.zst")]);
  expect(await readCsv(folder.path)).toEqual(all);
  for (const file of all.files) expect((await readCsv(file)).files).toEqual([file]);
  await utimes(path("a.csv"), 1, 1);
  expect((await readCsv(folder.path)).hash).not.toBe(all.hash);
});

test("readCsv() refuses files that cannot be streamed, and names the reason", async () => {
  await using folder = await temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const bad: readonly [name: string, content: string | Uint8Array, message: string][] = [
    ["empty.csv", "", "must not be empty"],
    ["data.txt", DCGM_HEADER, "must be a file that ends in .csv"],
    ["other.csv", "a,b\n1,2\n", "column timestamp or time is missing"],
    ["torn.csv.gz", gzipSync(ROWS).subarray(0, 9), "cannot be read"],
    ["plain.csv.gz", ROWS, "cannot be read"],
  ];
  for (const [name, content, message] of bad) {
    await Bun.write(path(name), content);
    expect(readCsv(path(name)), name).rejects.toThrow(message);
  }
  expect(readCsv(path("none.csv"))).rejects.toThrow("must be an existing file or folder");
  expect(readCsv(path("none.csv"))).rejects.toMatchObject({
    next: [/CSV=exports/, /without CSV/].map(expect.stringMatching),
  });
  await using empty = await temporaryFolder();
  expect(readCsv(empty.path)).rejects.toThrow("must be a folder with .csv");
});
