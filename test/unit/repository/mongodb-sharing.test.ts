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
  podOf,
  type Row,
  read,
  START,
  TEMP,
  UTIL,
  uuidOf,
} from "../../conformance/repository/bench.ts";
import { shortHolds } from "../../support/repository/mongo-holds.ts";
import { openDatabase } from "../../support/repository/mongo-store.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";
import { seeded } from "../../support/time/seeded.ts";

setDefaultTimeout(60_000);

const server = await requireMongo("MongoDB repository, shared");
afterAll(async () => server?.[Symbol.asyncDispose]());
const url = server?.uri ?? "";

const hold = (store: Repository, at: number, pod: string | null) =>
  store.save([batchOf([[UTIL, at, at % 97, factsOf(1, heldBy(pod))]])]);

const podsOf = async (store: Repository) =>
  (await store.gpusByUuid([GPU])).flatMap(({ holders }) =>
    holders.map((holder) => holder.kind === "pod" && holder.pod),
  );

describe.skipIf(server === null)("MongoDB store", () => {
  test("reads what another process saved, and keeps its newer facts and holds", async () => {
    await using database = openDatabase(url);
    const clock = new ManualClock(START + 2 * HOUR);
    await using one = await database.open({ clock });
    await using other = await database.open({ clock });
    for (let at = 0; at <= HOUR; at += 60_000) await hold(at % 120_000 === 0 ? one : other, at, "a");
    await hold(other, HOUR + 60_000, "b");
    await hold(one, HOUR + 30_000, "a");
    expect(await podsOf(one)).toEqual(["b"]);
    await hold(one, HOUR + 120_000, "a");
    const expected = [
      ["a", 0, HOUR + 30_000, false],
      ["b", HOUR + 60_000, HOUR + 60_000, false],
      ["a", HOUR + 120_000, HOUR + 120_000, true],
    ] as const;
    for (const store of [one, other]) {
      expect(await shortHolds(store, GPU)).toEqual([...expected]);
      expect((await store.latest([GPU])).get(GPU)?.[0]?.at).toBe(START + HOUR + 120_000);
    }
  });

  const sharings = [
    { count: 2, format: 2 },
    { count: 4, format: 2 },
    { count: 4, format: 1 },
  ] as const;
  for (const { count, format } of sharings) {
    const name = `saved to by ${count} processes at once with FORMAT=${format}`;
    test(`${name}, has the holds of all evidence and counts each bucket once`, async () => {
      await using database = openDatabase(url);
      const random = seeded(`MongoDB store, saved to by ${count}`);
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
      const stores = await Promise.all(Array.from({ length: count }, () => database.open({ format })));
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

      await using after = await database.open({ format });
      for (const gpu of gpus) {
        const runs: [string | null, number, number][] = [];
        for (let tick = 0; tick < ticks; tick++) {
          const last = runs.at(-1);
          if (last?.[0] === podAt(gpu, tick)) last[2] = tick;
          else runs.push([podAt(gpu, tick), tick, tick]);
        }
        const found = await shortHolds(after, uuidOf(gpu));
        expect(found.map(([pod, from, to]) => [pod, from / 1000, to / 1000])).toEqual(
          runs.filter(([pod]) => pod !== null),
        );
        const pod = podAt(gpu, ticks - 1);
        const holders = pod === null ? [] : [podOf(pod)];
        expect(await after.gpusByUuid([uuidOf(gpu)])).toMatchObject([
          { holders, firstSeen: START, lastSeen: START + (ticks - 1) * 1000 },
        ]);
        expect(await read(after, { gpu: uuidOf(gpu) })).toHaveLength(2 * ticks);
      }
    });
  }

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
    for (const name of ["gpus", "holds", "stays", "turns", "pulses"]) await database.db.collection(name).deleteMany({});
    await using store = await database.open();
    expect(await store.save([batch])).toMatchObject({ buckets: 0, duplicateBuckets: 1 });
    expect(await store.gpusByUuid([GPU])).toMatchObject([
      { holders: [podOf("b")], firstSeen: START, lastSeen: START + 1000 },
    ]);
    expect(await shortHolds(store, GPU)).toEqual([
      ["a", 0, 0, false],
      ["b", 1000, 1000, true],
    ]);
    expect(await store.placements({ gpu: GPU }, ALL_TIME)).toMatchObject([{ from: START, to: START + 1000 }]);
    expect((await store.latest([GPU])).get(GPU)?.[0]?.value).toBe(2);
  });

  test("writes last times once a minute and at the end, and answers with them before that", async () => {
    await using database = openDatabase(url);
    const clock = new ManualClock(START);
    await using store = await database.open({ clock });
    /** As other processes read it. */
    const elsewhere = async () => {
      await using other = await database.open();
      const [gpu] = await other.gpusByUuid([GPU]);
      return [(gpu?.lastSeen ?? 0) - START, ...(await shortHolds(other, GPU)).map(([, , to]) => to)];
    };
    await hold(store, 0, "a");
    await clock.advance(1000);
    await hold(store, 10_000, "a");
    expect(await store.gpusByUuid([GPU])).toMatchObject([{ lastSeen: START + 10_000 }]);
    expect(await shortHolds(store, GPU)).toEqual([["a", 0, 10_000, true]]);
    expect(await store.hosts()).toMatchObject([{ lastSeen: START + 10_000 }]);
    expect(await elsewhere()).toEqual([0, 0]);
    for (let second = 0; second < 61; second++) await clock.advance(1000);
    await store.ping();
    await hold(store, 20_000, "a");
    await store[Symbol.asyncDispose]();
    expect(await elsewhere()).toEqual([20_000, 20_000]);
  });
});
