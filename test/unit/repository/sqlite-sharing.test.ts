/** Several stores on one SQLite file, as several processes have it open. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import type { Repository } from "../../../services/repository/port.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  podOf,
  read,
  START,
  TEMP,
  UTIL,
} from "../../conformance/repository/bench.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { heldIn, nameOf } from "../../support/repository/held-in.ts";
import { openStore, refusalOf } from "../../support/repository/sqlite-store.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

test("SQLite store stays usable when another store on its file closes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await using staying = await openStore(path);
  const leaving = await openStore(path);
  await leaving.save([batchOf([[UTIL, 0, 1]])]);
  await leaving[Symbol.asyncDispose]();
  await staying.save([batchOf([[TEMP, 0, 30]])]);
  expect(await read(staying)).toHaveLength(2);
  expect(await refusalOf(leaving.ping())).toStartWith(`unavailable: Cannot use the store ${path}: `);
  await leaving[Symbol.asyncDispose]();
});

test("SQLite store reads what another process saved, whatever it has cached", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START + 6 * HOUR);
  await using one = await openStore(path, { clock });
  await using other = await openStore(path, { clock });
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

test("SQLite store keeps newer facts and holds that another process saved", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START + 6 * HOUR);
  await using one = await openStore(path, { clock });
  await using other = await openStore(path, { clock });
  const hold = (store: Repository, hour: number, pod: string) =>
    store.save([batchOf([[UTIL, hour * HOUR, hour, factsOf(1, heldBy(pod))]])]);
  await hold(one, 0, "a");
  await hold(other, 2, "b");
  await hold(one, 1, "a");
  expect(await one.gpusByUuid([GPU])).toMatchObject([{ holders: [podOf("b")], lastSeen: START + 2 * HOUR }]);
  await hold(one, 3, "a");
  expect((await heldIn(other, GPU, ALL_TIME)).map((hold) => [nameOf(hold), hold.from, hold.to])).toEqual([
    ["a", START, START + HOUR],
    ["b", START + 2 * HOUR, START + 2 * HOUR],
    ["a", START + 3 * HOUR, START + 3 * HOUR],
  ]);
});

test("SQLite store waits while another process writes, still answers reads, and counts the wait", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  const metrics = createMetrics();
  await using repository = await openStore(path, { clock, metrics });
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

test("SQLite store throws unavailable when its file stays locked, and the same call succeeds later", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  await using repository = await openStore(path, { clock });
  using blocker = new DatabaseSync(path);
  blocker.exec("BEGIN IMMEDIATE");
  const batch = batchOf([[UTIL, 0, 1]]);
  const answer = refusalOf(repository.save([batch]));
  const done = answer.then(() => true);
  await eventually(() => Promise.race([done, clock.advance(100).then(() => false)]), { what: "the refusal" });
  expect(await answer).toBe(
    `unavailable: Cannot use the store ${path}: database is locked; another process keeps it locked`,
  );
  blocker.exec("ROLLBACK");
  expect(await repository.save([batch])).toMatchObject({ buckets: 1 });
});

test("SQLite store stops waiting for another process when the caller aborts", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const clock = new ManualClock(START);
  await using repository = await openStore(path, { clock });
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

test("SQLite store is created once when several processes open it at the same time", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(path)));
  for (const [index, store] of stores.entries()) await store.save([batchOf([[UTIL, index * 1000, index]])]);
  expect(await read(stores[0] as Repository)).toHaveLength(5);
  for (const store of stores) await store[Symbol.asyncDispose]();
});
