/** The SQLite store's file: its life, its size, and files that the store refuses. */
import { expect, spyOn, test } from "bun:test";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ALL_TIME } from "../../../schema/model/window.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  podOf,
  type Row,
  read,
  START,
  TEMP,
  UTIL,
} from "../../conformance/repository/bench.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import { openStore, refusalOf } from "../../support/repository/sqlite-store.ts";

test("SQLite store creates its directory, and leaves one complete file when closed", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "new", "deep", "store.sqlite");
  {
    await using repository = await openStore(path);
    await repository.save([batchOf([[UTIL, 0, 1]])]);
  }
  expect(await readdir(join(folder.path, "new", "deep"))).toEqual(["store.sqlite"]);
  const copy = join(folder.path, "copy.sqlite");
  await copyFile(path, copy);
  await using repository = await openStore(copy);
  expect(await read(repository)).toEqual([[UTIL, 0, 1]]);
});

test("SQLite store closes on a full disk, and has everything when it is opened again", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const isFull = Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
  const first = await openStore(path);
  await first.save([batchOf([[UTIL, 0, 1]])]);
  const exec = spyOn(DatabaseSync.prototype, "exec").mockImplementation(() => {
    throw isFull;
  });
  try {
    await first[Symbol.asyncDispose]();
    expect(exec).toHaveBeenCalledTimes(1);
  } finally {
    exec.mockRestore();
  }
  await using repository = await openStore(path);
  expect(await read(repository)).toEqual([[UTIL, 0, 1]]);
});

test("SQLite store drops everything it cached in a save that was rolled back", async () => {
  await using folder = await temporaryFolder();
  await using repository = await openStore(join(folder.path, "store.sqlite"));
  const broken = { producer: "csv@0/1", epoch: 1, seq: 1, position: null as unknown as string };
  const rows = [UTIL, TEMP].map((series, tick) => batchOf([[series, tick * 1000, tick, factsOf(1, heldBy("a"))]]));
  expect(await refusalOf(repository.save(rows, { positions: [broken] }))).toContain("NOT NULL constraint failed");
  expect(await read(repository)).toEqual([]);
  expect((await repository.gpus({ limit: 1 })).total).toBe(0);
  // In another order, so that GPUs and lists of series get other ids than those rolled back.
  await repository.save([batchOf([[UTIL, 5000, 7, factsOf(2)]])]);
  expect(await repository.save(rows.toReversed())).toMatchObject({ buckets: 2 });
  expect(await read(repository)).toEqual([
    [TEMP, 1000, 1],
    [UTIL, 0, 0],
  ]);
  expect((await repository.latest([GPU])).get(GPU)).toHaveLength(2);
  expect(await heldIn(repository, GPU, ALL_TIME)).toMatchObject([
    { holder: podOf("a"), from: START, to: START + 1000 },
  ]);
});

test("SQLite store refuses a file that is not a database, naming it and what to do", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "notes.txt");
  await writeFile(path, "not a database ".repeat(500));
  expect(await refusalOf(openStore(path))).toBe(
    `unavailable: Cannot use the store ${path}: file is not a database; ` +
      "it is damaged or not a SQLite file: move it away or set SQLITE_PATH to another file",
  );
});

test("SQLite store refuses a directory, and a path below a file", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "directory");
  await mkdir(directory);
  expect(await refusalOf(openStore(directory))).toStartWith(`unavailable: Cannot use the store ${directory}: `);
  const file = join(folder.path, "file");
  await writeFile(file, "");
  expect(await refusalOf(openStore(join(file, "store.sqlite")))).toStartWith("unavailable: Cannot use the store ");
});

test("SQLite store refuses the database of another program or a newer release, and does not change it", async () => {
  await using folder = await temporaryFolder();
  const foreign = join(folder.path, "foreign.sqlite");
  {
    using database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE notes (text TEXT)");
  }
  expect(await refusalOf(openStore(foreign))).toBe(
    `unavailable: Cannot use the store ${foreign}: it is another program's database; set SQLITE_PATH to a new file`,
  );
  const newer = join(folder.path, "newer.sqlite");
  await (await openStore(newer))[Symbol.asyncDispose]();
  {
    using database = new DatabaseSync(newer);
    database.exec("PRAGMA user_version = 99");
  }
  expect(await refusalOf(openStore(newer))).toMatch(
    /^unavailable: .*: version must be at most 2, got 99; use a newer release$/,
  );
  using database = new DatabaseSync(foreign);
  expect(database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()).toMatchObject({ tables: 1 });
});

test("SQLite store throws an error that names a damaged bucket instead of skipping it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using repository = await openStore(path);
  await repository.save([batchOf([[UTIL, 0, 1]])]);
  using database = new DatabaseSync(path);
  database.exec("UPDATE columns SET packed = x'00ff'");
  expect(await refusalOf(repository.readings(GPU, { from: 0, to: START + 1 }, { limit: 1 }))).toStartWith(
    `internal: Cannot read the bucket of ${GPU} at 2025-07-20T10:00:00.000Z: `,
  );
});

test("SQLite store reuses the space of expired buckets", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using repository = await openStore(path);
  using watcher = new DatabaseSync(path);
  const pages = () => Number(watcher.prepare("PRAGMA page_count").get()?.page_count);
  const rows = (day: number): Row[] =>
    Array.from({ length: 2000 }, (_, tick): Row => [UTIL, day * 24 * HOUR + tick * 40_000, Math.sin(tick)]);
  await repository.save([batchOf(rows(0))]);
  const afterOne = pages();
  for (let day = 1; day < 5; day++) {
    while ((await repository.expire(START + day * 24 * HOUR)) > 0);
    await repository.save([batchOf(rows(day))]);
  }
  expect(pages()).toBeLessThan(afterOne * 2);
});
