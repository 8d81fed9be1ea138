/** What is SQLite's own: the file, other processes' locks, files that cannot be used. */
import { expect, test } from "bun:test";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isAppError } from "../../schema/errors.ts";
import { silentLogger } from "../../services/platform/logger.ts";
import { createMetrics } from "../../services/platform/metrics.ts";
import { openRepository } from "../../services/repository/open.ts";
import type { Repository } from "../../services/repository/port.ts";
import { batchOf, GPU, HOUR, type Row, read, START, TEMP, UTIL } from "../conformance/repository/bench.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const open = (path: string, parts: { clock?: ManualClock; metrics?: ReturnType<typeof createMetrics> } = {}) =>
  openRepository(
    { kind: "sqlite", path, retentionMs: 0 },
    { clock: new ManualClock(START), log: silentLogger, ...parts },
  );

const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error) => (isAppError(error) && error.cause !== error ? `${error.code}: ${error.message}` : String(error)),
  );

test("SQLite store creates its directory, and is whole in its one file once closed", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "new", "deep", "store.sqlite");
  {
    await using repository = await open(path);
    await repository.save([batchOf([[UTIL, 0, 1]])]);
  }
  expect(await readdir(join(folder.path, "new", "deep"))).toEqual(["store.sqlite"]);
  const copy = join(folder.path, "copy.sqlite");
  await copyFile(path, copy);
  await using repository = await open(copy);
  expect(await read(repository)).toEqual([[UTIL, 0, 1]]);
});

test("SQLite store that one of two closes stays usable for the other", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using staying = await open(path);
  const leaving = await open(path);
  await leaving.save([batchOf([[UTIL, 0, 1]])]);
  await leaving[Symbol.asyncDispose]();
  await staying.save([batchOf([[TEMP, 0, 30]])]);
  expect(await read(staying)).toHaveLength(2);
  expect(await refusal(leaving.ping())).toStartWith(`unavailable: Cannot use the store ${path}: `);
  await leaving[Symbol.asyncDispose]();
});

test("SQLite store sees at once what another process saved, whatever it remembers itself", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using one = await open(path);
  await using other = await open(path);
  const stores: Repository[] = [one, other];
  for (let hour = 0; hour < 6; hour++) {
    await stores[hour % 2]?.save([batchOf([[hour % 3 === 0 ? TEMP : UTIL, hour * HOUR, hour]])]);
  }
  for (const store of stores) {
    const latest = (await store.latest([GPU])).get(GPU);
    expect(latest?.map(({ series, value }) => [series, value])).toEqual([
      [TEMP, 3],
      [UTIL, 5],
    ]);
    expect((await store.gpusByUuid([GPU])).map(({ lastSeen }) => lastSeen)).toEqual([START + 5 * HOUR]);
  }
});

test("SQLite store waits while another process writes, without holding up its own, and counts it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  const metrics = createMetrics();
  await using repository = await open(path, { clock, metrics });
  using blocker = new DatabaseSync(path);
  blocker.exec("BEGIN IMMEDIATE");
  const saved = repository.save([batchOf([[UTIL, 0, 1]])]);
  await eventually(() => clock.sleeping === 1, { what: "the save waiting" });
  expect(await read(repository)).toEqual([]);
  blocker.exec("ROLLBACK");
  await clock.advance(1000);
  expect(await saved).toMatchObject({ buckets: 1 });
  expect(await metrics.render()).toContain("\ngpu_telemetry_store_busy_total 1\n");
});

test("SQLite store that is never free is unavailable, and the same call succeeds afterwards", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  await using repository = await open(path, { clock });
  using blocker = new DatabaseSync(path);
  blocker.exec("BEGIN IMMEDIATE");
  const batch = batchOf([[UTIL, 0, 1]]);
  const answer = refusal(repository.save([batch]));
  const done = answer.then(() => true);
  await eventually(() => Promise.race([done, clock.advance(100).then(() => false)]), { what: "the refusal" });
  expect(await answer).toBe(
    `unavailable: Cannot use the store ${path}: database is locked; another process holds it for too long`,
  );
  blocker.exec("ROLLBACK");
  expect(await repository.save([batch])).toMatchObject({ buckets: 1 });
});

test("SQLite store stops waiting for another process when it is told to", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  await using repository = await open(path, { clock });
  using blocker = new DatabaseSync(path);
  blocker.exec("BEGIN IMMEDIATE");
  const stop = new AbortController();
  const saved = repository.save([batchOf([[UTIL, 0, 1]])], { signal: stop.signal }).catch(({ name }) => name);
  await eventually(() => clock.sleeping === 1, { what: "the save waiting" });
  stop.abort();
  expect(await saved).toBe("AbortError");
  blocker.exec("ROLLBACK");
  expect(await read(repository)).toEqual([]);
});

test("SQLite store refuses a file that is none, naming it and what to do", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "notes.txt");
  await writeFile(path, "not a database ".repeat(500));
  expect(await refusal(open(path))).toBe(
    `unavailable: Cannot use the store ${path}: file is not a database; ` +
      "it is damaged or no SQLite file: move it away or set SQLITE_PATH to another file",
  );
});

test("SQLite store refuses a path that cannot be a file", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "directory");
  await mkdir(directory);
  expect(await refusal(open(directory))).toStartWith(`unavailable: Cannot use the store ${directory}: `);
  const file = join(folder.path, "file");
  await writeFile(file, "");
  expect(await refusal(open(join(file, "store.sqlite")))).toStartWith("unavailable: Cannot use the store ");
});

test("SQLite store refuses another program's database, and one of a newer release, and leaves both alone", async () => {
  await using folder = await temporaryFolder();
  const foreign = join(folder.path, "foreign.sqlite");
  {
    using database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE notes (text TEXT)");
  }
  expect(await refusal(open(foreign))).toBe(
    `unavailable: Cannot use the store ${foreign}: it is another program's database; set SQLITE_PATH to a new file`,
  );
  const newer = join(folder.path, "newer.sqlite");
  await (await open(newer))[Symbol.asyncDispose]();
  {
    using database = new DatabaseSync(newer);
    database.exec("PRAGMA user_version = 99");
  }
  expect(await refusal(open(newer))).toMatch(/^unavailable: .* tables of version 99, this program knows 1; /);
  using database = new DatabaseSync(foreign);
  expect(database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()).toMatchObject({ tables: 1 });
});

test("SQLite store that several open at once for the first time is made once", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const stores = await Promise.all(Array.from({ length: 5 }, () => open(path)));
  for (const [index, store] of stores.entries()) await store.save([batchOf([[UTIL, index * 1000, index]])]);
  expect(await read(stores[0] as Repository)).toHaveLength(5);
  for (const store of stores) await store[Symbol.asyncDispose]();
});

test("SQLite store says which bucket is damaged instead of leaving readings out", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using repository = await open(path);
  await repository.save([batchOf([[UTIL, 0, 1]])]);
  using database = new DatabaseSync(path);
  database.exec("UPDATE columns SET packed = x'00ff'");
  expect(await refusal(repository.readings(GPU, { from: 0, to: START + 1 }, { limit: 1 }))).toStartWith(
    `internal: Cannot read the bucket of ${GPU} at 2025-07-20T10:00:00.000Z: `,
  );
});

test("SQLite store takes no more room for what it stores again after it expired", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using repository = await open(path);
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
