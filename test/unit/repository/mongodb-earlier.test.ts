/** A database that version 1 of the store wrote is taken over in place, while processes of version 1 still write. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { batchOf, factsOf, GPU, HOUR, heldBy, podOf, read, START, UTIL } from "../../conformance/repository/bench.ts";
import { shortHolds } from "../../support/repository/mongo-holds.ts";
import { openDatabase, type SharedDatabase } from "../../support/repository/mongo-store.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

setDefaultTimeout(60_000);

const server = await requireMongo("MongoDB repository, version 1");
afterAll(async () => server?.[Symbol.asyncDispose]());
const url = server?.uri ?? "";

const date = (ms: number) => new Date(START + ms);
const held = (from: number, to: number, pod: string | null) => {
  const [namespace, container] = pod === null ? [null, null] : ["research", "main"];
  return { from: date(from), to: date(to), namespace, pod, container };
};
const revision = (day: string, rev: number, intervals: readonly ReturnType<typeof held>[]) => ({
  _id: `${GPU}:${day}:${rev}` as never,
  v: 1,
  day: `${GPU}:${day}`,
  rev,
  gpu: GPU,
  from: intervals[0]?.from,
  to: intervals.at(-1)?.to,
  held: intervals,
});
const MIDNIGHT = 14 * HOUR;
/** The first reading. */
const FIRST = MIDNIGHT - 3000;

/** Writes the documents of one GPU as version 1 wrote them. */
async function fill({ db }: SharedDatabase): Promise<void> {
  await db.collection("telemetry_points").insertMany([
    {
      _id: `${GPU}:${START + FIRST}:0011223344556677` as never,
      v: 1,
      gpu: GPU,
      from: date(FIRST),
      to: date(FIRST + 2000),
      at: [0, 1000, 2000],
      series: { [UTIL]: [1, 2, 3] },
    },
    {
      _id: `${GPU}:${START + MIDNIGHT}:1011223344556677` as never,
      v: 1,
      gpu: GPU,
      from: date(MIDNIGHT),
      to: date(MIDNIGHT + 1000),
      at: [0, 1000],
      series: { [UTIL]: [4, null] },
    },
  ]);
  const seen = {
    lastSeen: date(MIDNIGHT),
    host: "host-0",
    index: "1",
    device: "nvidia1",
    model: "NVIDIA H100 80GB HBM3",
    driver: null,
    container: "main",
    pod: "b",
    namespace: "research",
    place: 1,
  };
  await db
    .collection("gpus")
    .insertOne({ _id: GPU as never, v: 1, firstSeen: date(FIRST), seen, newest: { [UTIL]: date(MIDNIGHT) } });
  await db
    .collection("attributions")
    .insertMany([
      revision("2025-07-20", 1, [held(FIRST, FIRST + 1000, "a")]),
      revision("2025-07-20", 2, [
        held(FIRST, FIRST, "a"),
        held(FIRST + 1000, FIRST + 1000, null),
        held(FIRST + 2000, MIDNIGHT - 1, "b"),
      ]),
      revision("2025-07-21", 1, [held(MIDNIGHT, MIDNIGHT, "b")]),
    ]);
}

describe.skipIf(server === null)("MongoDB store of version 1", () => {
  test("answers with its readings, holds and placements, and keeps its documents for readers of version 1", async () => {
    await using database = openDatabase(url);
    await fill(database);
    for (let opened = 0; opened < 2; opened++) {
      await using store = await database.open({ clock: new ManualClock(START + MIDNIGHT) });
      expect(await shortHolds(store, GPU)).toEqual([
        ["a", FIRST, FIRST, false],
        ["b", FIRST + 2000, MIDNIGHT, true],
      ]);
      expect(await store.gpusByUuid([GPU])).toMatchObject([{ host: "host-0", pciBusId: null, holders: [podOf("b")] }]);
      expect(await store.placements({ gpu: GPU }, ALL_TIME)).toEqual([
        { gpu: GPU, host: "host-0", index: "1", from: START + FIRST, to: START + MIDNIGHT, isCurrent: true },
      ]);
      expect(await read(store)).toHaveLength(4);
    }
    expect(await database.db.collection("attributions").countDocuments()).toBe(3);
  });

  test("keeps the holders of a bucket that version 1 has stored without them, when it arrives again", async () => {
    await using database = openDatabase(url);
    const batches = [0, 1].map((tick) =>
      batchOf([[UTIL, tick * 1000, 7, factsOf(1, heldBy(tick === 0 ? null : "b"))]]),
    );
    {
      await using before = await database.open();
      await before.save(batches);
    }
    // What a collector of version 1 leaves that is killed after it has stored the buckets.
    const points = database.db.collection("telemetry_points");
    await points.updateMany({}, { $set: { v: 1 }, $unset: { held: "" } });
    for (const name of ["gpus", "holds", "stays", "turns", "pulses"]) await database.db.collection(name).deleteMany({});
    {
      await using again = await database.open();
      await again.save(batches);
    }
    await using store = await database.open();
    await store.save([batchOf([[UTIL, 2000, 7, factsOf(1, heldBy("b"))]])]);
    expect(await shortHolds(store, GPU)).toEqual([["b", 1000, 2000, true]]);
  });

  test("continues holds of version 1, and takes over what version 1 goes on to write", async () => {
    await using database = openDatabase(url);
    await fill(database);
    const clock = new ManualClock(START + MIDNIGHT + HOUR);
    await using store = await database.open({ clock });
    const save = (at: number, pod: string | null) =>
      store.save([batchOf([[UTIL, MIDNIGHT + at, 7, factsOf(1, heldBy(pod))]])]);
    await save(2000, "b");
    const a = ["a", FIRST, FIRST, false] as const;
    expect(await shortHolds(store, GPU)).toEqual([a, ["b", FIRST + 2000, MIDNIGHT + 2000, true]]);
    // A collector of version 1 sees the next holder.
    await database.db.collection("telemetry_points").insertOne({
      _id: `${GPU}:${START + MIDNIGHT + 3000}:2011223344556677` as never,
      v: 1,
      gpu: GPU,
      from: date(MIDNIGHT + 3000),
      to: date(MIDNIGHT + 3000),
      at: [0],
      series: { [UTIL]: [8] },
    });
    const day = [held(MIDNIGHT, MIDNIGHT + 2000, "b"), held(MIDNIGHT + 3000, MIDNIGHT + 3000, "c")];
    await database.db.collection("attributions").insertOne(revision("2025-07-21", 2, day));
    await clock.advance(61_000);
    const b = ["b", FIRST + 2000, MIDNIGHT + 2000, false] as const;
    expect(await shortHolds(store, GPU)).toEqual([a, b, ["c", MIDNIGHT + 3000, MIDNIGHT + 3000, true]]);
    await save(4000, "c");
    await save(5000, null);
    expect(await shortHolds(store, GPU)).toEqual([a, b, ["c", MIDNIGHT + 3000, MIDNIGHT + 4000, false]]);
  });

  test("derives holds again where both versions have seen holders by turns", async () => {
    await using database = openDatabase(url);
    const clock = new ManualClock(START + HOUR);
    await using store = await database.open({ clock, format: 1 });
    const save = (at: number, pod: string | null) =>
      store.save([batchOf([[UTIL, at, 7, factsOf(1, heldBy(pod))]], { v: 1 })]);
    const saveEarlier = async (at: number, rev: number, intervals: readonly ReturnType<typeof held>[]) => {
      await database.db.collection("telemetry_points").insertOne({
        _id: `${GPU}:${START + at}:0011223344556677` as never,
        v: 1,
        gpu: GPU,
        from: date(at),
        to: date(at),
        at: [0],
        series: { [UTIL]: [8] },
      });
      await database.db.collection("attributions").insertOne(revision("2025-07-20", rev, intervals));
    };
    await save(0, "a");
    await saveEarlier(1000, 1, [held(1000, 1000, "b")]);
    await save(2000, "a");
    await save(3000, null);
    await saveEarlier(4000, 2, [held(1000, 1000, "b"), held(1001, 4000, "a")]);
    await save(5000, "a");
    await save(6000, "c");
    await clock.advance(61_000);
    expect(await shortHolds(store, GPU)).toEqual([
      ["a", 0, 0, false],
      ["b", 1000, 1000, false],
      ["a", 2000, 2000, false],
      ["a", 4000, 5000, false],
      ["c", 6000, 6000, true],
    ]);
    expect(await database.db.collection("attributions").countDocuments({ taken: true })).toBe(2);
    // Nothing is left to do, and nobody is left busy.
    expect(await database.db.collection("turns").find().toArray()).toMatchObject([{ isBusy: false }]);
    await save(7000, "c");
    expect((await shortHolds(store, GPU)).at(-1)).toEqual(["c", 6000, 7000, true]);
  });
});
