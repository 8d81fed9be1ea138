/** Several stores on one database, as several processes have it open: none undoes what another wrote. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type Row,
  read,
  START,
  TEMP,
  UTIL,
  uuidOf,
} from "../../conformance/repository/bench.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import { openDatabase, type SharedDatabase } from "../../support/repository/mongo-store.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";
import { seeded } from "../../support/time/seeded.ts";

setDefaultTimeout(60_000);

const server = await requireMongo("MongoDB repository, shared");
afterAll(async () => server?.[Symbol.asyncDispose]());
const url = server?.uri ?? "";

const DAY = 24 * HOUR;
const hold = (store: Repository, at: number, pod: string | null) =>
  store.save([batchOf([[UTIL, at, at % 97, factsOf(1, heldBy(pod))]])]);

const held = async (store: Repository) =>
  (await heldIn(store, GPU, ALL_TIME)).map(({ pod, from, to }) => [pod, from - START, to - START]);

/** As written in the database, without what a process has pending. */
async function lastSeenIn({ db }: SharedDatabase): Promise<number> {
  const gpu = await db.collection("gpus").findOne({ _id: GPU as never });
  return new Date(gpu?.seen.lastSeen).getTime() - START;
}

describe.skipIf(server === null)("MongoDB store", () => {
  test("reads what another process saved, and keeps its newer facts and intervals", async () => {
    await using database = openDatabase(url);
    const clock = new ManualClock(START + 3 * HOUR);
    await using one = await database.open({ clock });
    await using other = await database.open({ clock });
    await hold(one, 0, "a");
    await hold(other, 2 * HOUR, "b");
    await hold(one, HOUR, "a");
    expect((await one.gpusByUuid([GPU])).map(({ pod, lastSeen }) => [pod, lastSeen])).toEqual([
      ["b", START + 2 * HOUR],
    ]);
    await hold(one, 3 * HOUR, "a");
    for (const store of [one, other]) {
      expect(await held(store)).toEqual([
        ["a", 0, HOUR],
        ["b", 2 * HOUR, 2 * HOUR],
        ["a", 3 * HOUR, 3 * HOUR],
      ]);
      expect((await store.latest([GPU])).get(GPU)?.[0]?.at).toBe(START + 3 * HOUR);
    }
  });

  test("saved to by several processes at once, never goes back in time and counts each bucket once", async () => {
    await using database = openDatabase(url);
    const random = seeded("MongoDB store, saved to by many");
    const ticks = 60;
    const gpus = [1, 2, 3];
    // Each GPU changes its holder every few seconds. Two sources cover all times, in pieces of up to five seconds.
    const podAt = (gpu: number, tick: number) => ["a", "b", null, "c"][Math.floor(tick / (gpu + 2)) % 4] ?? null;
    const batches: Batch[] = [];
    for (const series of [UTIL, TEMP]) {
      for (const gpu of gpus) {
        for (let start = 0; start < ticks; ) {
          const end = Math.min(ticks, start + 1 + Math.floor(random() * 5));
          const rows = Array.from({ length: end - start }, (_, index): Row => {
            const tick = start + index;
            return [series, tick * 1000, tick, factsOf(gpu, heldBy(podAt(gpu, tick)))];
          });
          batches.push(batchOf(rows));
          start = end;
        }
      }
    }
    const sent = [...batches, ...batches.filter(() => random() < 0.3)].sort(() => random() - 0.5);
    const stores = await Promise.all([database.open(), database.open(), database.open()]);
    let isSaving = true;
    const watch = async (store: Repository) => {
      const newest = new Map<string, number>();
      while (isSaving) {
        for (const { uuid, lastSeen } of await store.gpusByUuid(gpus.map(uuidOf))) {
          expect(lastSeen).toBeGreaterThanOrEqual(newest.get(uuid) ?? 0);
          newest.set(uuid, lastSeen);
        }
      }
    };
    const watching = watch(stores[0] as Repository);
    const outcomes = await Promise.all(
      sent.map((batch, index) => (stores[index % stores.length] as Repository).save([batch])),
    );
    isSaving = false;
    await watching;
    for (const store of stores) await store[Symbol.asyncDispose]();

    const sum = (name: "buckets" | "duplicateBuckets" | "readings") =>
      outcomes.reduce((total, outcome) => total + outcome[name], 0);
    expect(sum("buckets")).toBe(batches.length);
    expect(sum("duplicateBuckets")).toBe(sent.length - batches.length);
    expect(sum("readings")).toBe(2 * gpus.length * ticks);

    await using after = await database.open();
    for (const gpu of gpus) {
      const runs: [string | null, number, number][] = [];
      for (let tick = 0; tick < ticks; tick++) {
        const last = runs.at(-1);
        if (last?.[0] === podAt(gpu, tick)) last[2] = tick;
        else runs.push([podAt(gpu, tick), tick, tick]);
      }
      const found = await heldIn(after, uuidOf(gpu), ALL_TIME);
      expect(found.map(({ pod, from, to }) => [pod, (from - START) / 1000, (to - START) / 1000])).toEqual(
        runs.filter(([pod]) => pod !== null),
      );
      const newest = { pod: podAt(gpu, ticks - 1), firstSeen: START, lastSeen: START + (ticks - 1) * 1000 };
      expect(await after.gpusByUuid([uuidOf(gpu)])).toMatchObject([newest]);
      expect(await read(after, { gpu: uuidOf(gpu) })).toHaveLength(2 * ticks);
    }
  });

  test("learns from a redelivered batch what a killed process did not write", async () => {
    await using database = openDatabase(url);
    const batch = batchOf([
      [UTIL, 0, 1, factsOf(1, heldBy("a"))],
      [UTIL, 1000, 2, factsOf(1, heldBy("b"))],
    ]);
    {
      await using killed = await database.open();
      await killed.save([batch]);
    }
    // As if the process had been killed right after it wrote the buckets.
    for (const name of ["gpus", "attributions"]) await database.db.collection(name).deleteMany({});
    await using store = await database.open();
    expect(await store.save([batch])).toMatchObject({ buckets: 0, duplicateBuckets: 1 });
    expect(await store.gpusByUuid([GPU])).toMatchObject([{ pod: "b", firstSeen: START, lastSeen: START + 1000 }]);
    expect(await held(store)).toEqual([
      ["a", 0, 0],
      ["b", 1000, 1000],
    ]);
    expect((await store.latest([GPU])).get(GPU)?.[0]?.value).toBe(2);
  });

  test("writes a later time when 30 s behind or when quiet, and answers with it before that", async () => {
    await using database = openDatabase(url);
    const clock = new ManualClock();
    await using store = await database.open({ clock });
    const known = async () => (await store.gpusByUuid([GPU])).map(({ lastSeen }) => lastSeen - START);
    await hold(store, 0, "a");
    await hold(store, 10_000, "a");
    expect(await lastSeenIn(database)).toBe(0);
    expect(await known()).toEqual([10_000]);
    expect(await held(store)).toEqual([["a", 0, 10_000]]);
    expect(await store.hosts()).toMatchObject([{ lastSeen: START + 10_000 }]);
    await hold(store, 31_000, "a");
    expect(await lastSeenIn(database)).toBe(31_000);
    await hold(store, 40_000, "a");
    await hold(store, 41_000, "b");
    expect(await lastSeenIn(database)).toBe(41_000);
    await hold(store, 50_000, "b");
    await clock.advance(2000);
    await store[Symbol.asyncDispose]();
    await using other = await database.open();
    expect(await held(other)).toEqual([
      ["a", 0, 40_000],
      ["b", 41_000, 50_000],
    ]);
    expect(await lastSeenIn(database)).toBe(50_000);
  });

  test("keeps the change of a process that knows only deleted revisions, and keeps two revisions of a day", async () => {
    await using database = openDatabase(url);
    await using slow = await database.open();
    await using quick = await database.open();
    await hold(slow, 0, "a");
    for (const [second, pod] of [..."bcdef"].entries()) await hold(quick, (second + 1) * 1000, pod);
    await hold(slow, 6000, "g");
    for (const store of [slow, quick]) {
      expect(await held(store)).toEqual([..."abcdefg"].map((pod, second) => [pod, second * 1000, second * 1000]));
    }
    expect(await database.db.collection("attributions").countDocuments()).toBe(2);
  });

  test("joins intervals across midnight and across days without readings", async () => {
    await using database = openDatabase(url);
    await using store = await database.open();
    const midnight = 14 * HOUR;
    const rows = (times: readonly number[], pod: string | null): Row[] =>
      times.map((at) => [UTIL, at, 1, factsOf(1, heldBy(pod))]);
    await store.save([
      batchOf([
        ...rows([midnight - 2 * HOUR, midnight - 1000, midnight, midnight + 1000], "a"),
        ...rows([midnight + 2000], "b"),
      ]),
    ]);
    await store.save([batchOf(rows([5 * DAY], "b"))]);
    expect(await database.db.collection("attributions").countDocuments()).toBe(3);
    const whole = [
      ["a", midnight - 2 * HOUR, midnight + 1000],
      ["b", midnight + 2000, 5 * DAY],
    ];
    expect(await held(store)).toEqual(whole);
    const touching = async (from: number, to: number) =>
      (await heldIn(store, GPU, { from: START + from, to: START + to })).map(({ pod }) => pod);
    expect(await touching(3 * DAY, 3 * DAY + 1)).toEqual(["b"]);
    expect(await touching(midnight, midnight + 1)).toEqual(["a"]);
    expect(await touching(midnight - HOUR, midnight - HOUR + 1)).toEqual(["a"]);
    expect(await touching(5 * DAY + 1, 9 * DAY)).toEqual([]);
    expect(await touching(midnight + 1001, midnight + 2000)).toEqual([]);
  });
});
