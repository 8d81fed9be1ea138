/** Counts the rows that saves change: a GPU with the same facts and holders as before costs one row per save. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Gpu } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  GPU,
  heldBy,
  podOf,
  type Row,
  START,
  TEMP,
  UTIL,
} from "../../conformance/repository/bench.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const SECOND = 1000;
const STEP_MS = 15 * SECOND;
const INSTANCE_METRIC = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
const tables = ["gpus", "stays", "instances", "holds", "holders", "evidence", "gpu_lists", "sightings_ahead"];

/** Counts the rows that are added or changed, by table. */
function countRows(path: string) {
  const connection = new DatabaseSync(path);
  connection.exec("CREATE TABLE changes (name TEXT NOT NULL)");
  for (const table of tables) {
    for (const change of ["INSERT", "UPDATE", "DELETE"]) {
      connection.exec(
        `CREATE TRIGGER ${table}_${change} AFTER ${change} ON ${table} BEGIN INSERT INTO changes VALUES ('${table}'); END`,
      );
    }
  }
  const count = connection.prepare("SELECT name, count(*) AS rows FROM changes GROUP BY name");
  return {
    counted: (): Record<string, number> =>
      Object.fromEntries(count.all().map(({ name, rows }) => [String(name), Number(rows)])),
    [Symbol.dispose]: () => connection.close(),
  };
}

/** A MIG card with two instances that two pods hold, and a card that three pods share. */
function rowsAt(at: number): Row[] {
  const instance = (id: string, pod: string) => factsOf(1, { instance: id, profile: "1g.10gb", ...heldBy(pod) });
  const shared = factsOf(2, { holders: [podOf("c"), podOf("d"), podOf("e")] });
  return [
    [ENGINE_3, at, 0.5, instance("3", "a")],
    [ENGINE_7, at, 0.5, instance("7", "b")],
    [TEMP, at, 50, factsOf(1)],
    [UTIL, at, 90, shared],
    [TEMP, at, 60, shared],
  ];
}

const holdersOf = ({ holders }: Gpu) => holders.map((holder) => (holder.kind === "pod" ? holder.pod : holder.job));

test("SQLite store changes one row per GPU and save while the series name the same holders", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "telemetry.sqlite");
  const clock = new ManualClock(START + 100 * STEP_MS);
  await using repository = await openStore(path, { clock });
  let tick = 0;
  const save = () => repository.save([batchOf(rowsAt(tick++ * STEP_MS))]);
  using rows = countRows(path);
  for (let warm = 0; warm < 5; warm++) await save();
  const before = rows.counted();
  for (let steady = 0; steady < 20; steady++) await save();
  // Counted from another connection, which must not write: it would empty the store's cache.
  expect(rows.counted()).toEqual({ ...before, gpus: (before.gpus ?? 0) + 40 });

  const last = START + (tick - 1) * STEP_MS;
  await using other = await openStore(path, { clock });
  for (const store of [repository, other]) {
    const [mig, shared] = (await store.gpus({ limit: 10 })).gpus as [Gpu, Gpu];
    expect([holdersOf(mig), holdersOf(shared)]).toEqual([
      ["a", "b"],
      ["c", "d", "e"],
    ]);
    expect(mig.instances.map(({ id, holders }) => [id, holders])).toEqual([
      ["3", [podOf("a")]],
      ["7", [podOf("b")]],
    ]);
    const holds = [...(await store.holds([mig.uuid, shared.uuid], ALL_TIME, { max: 100 })).values()].flat();
    expect(holds.map(({ from, to, isOpen }) => [from, to, isOpen])).toEqual(Array(5).fill([START, last, true]));
    expect(await store.placements({ gpu: GPU }, ALL_TIME)).toMatchObject([{ from: START, to: last, isCurrent: true }]);
    expect(await store.hosts()).toEqual([{ hostname: "host-0", gpus: 2, lost: 0, lastSeen: last }]);
    const window = { from: last, to: last + 1 };
    expect((await store.workloads({ window, limit: 10 })).workloads).toHaveLength(5);
    expect((await store.gpus({ limit: 10, filter: { pod: "a", window } })).total).toBe(1);
  }
});

test("SQLite store keeps the ends of what a save of the GPU leaves out", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "telemetry.sqlite");
  const clock = new ManualClock(START + 24 * 3600 * SECOND);
  await using repository = await openStore(path, { clock });
  for (let tick = 0; tick < 3; tick++) await repository.save([batchOf(rowsAt(tick * STEP_MS))]);
  const other = `${INSTANCE_METRIC}{GPU_I_ID="9"}` as Series;
  // The card reports without instance 3, pod "a" and its host.
  const facts = factsOf(1, { host: "", instance: "9", profile: "1g.10gb" });
  await repository.save([batchOf([[other, 3 * STEP_MS, 1, facts]])]);
  const end = START + 2 * STEP_MS;
  const read = async () => {
    const holds = (await repository.holds([GPU], ALL_TIME, { max: 100 })).get(GPU) ?? [];
    expect(holds.map(({ to, isOpen }) => [to, isOpen])).toEqual([
      [end, true],
      [end, true],
    ]);
    expect(await repository.placements({ gpu: GPU }, ALL_TIME)).toMatchObject([{ from: START, to: end }]);
    const window = { from: end + 1, to: end + STEP_MS };
    expect((await repository.workloads({ window, limit: 10, pod: "a" })).workloads).toEqual([]);
    expect((await repository.gpus({ limit: 10, filter: { pod: "a", window } })).total).toBe(0);
  };
  await read();
  // 23 hours later, instances 3 and 7 still count as present; 25 hours later, they have gone.
  const idsAfter = async (hours: number) => {
    await clock.advance(2 * 3600 * SECOND);
    await repository.save([batchOf([[other, hours * 3600 * SECOND, 1, facts]])]);
    return (await repository.gpusByUuid([GPU])).flatMap(({ instances }) => instances.map(({ id }) => id));
  };
  expect(await idsAfter(23)).toEqual(["3", "7", "9"]);
  expect(await idsAfter(25)).toEqual(["9"]);
});
