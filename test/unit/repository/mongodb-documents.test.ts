/** The MongoDB store's documents and indexes, also on servers that lack a feature. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Series } from "../../../schema/model/reading.ts";
import { INDEXES } from "../../../services/repository/mongodb/indexes.ts";
import { openRepository } from "../../../services/repository/open.ts";
import {
  batchOf,
  ENGINE_3,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type Row,
  read,
  START,
  TEMP,
  UTIL,
} from "../../conformance/repository/bench.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { codeIn, readDocument, tableUnder } from "../../support/project/documents.ts";
import { openDatabase } from "../../support/repository/mongo-store.ts";
import { refusalOf } from "../../support/repository/sqlite-store.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

setDefaultTimeout(60_000);

const server = await requireMongo("MongoDB repository, documents");
afterAll(async () => server?.[Symbol.asyncDispose]());
const url = server?.uri ?? "";

/** Names of all fields; those keyed by series are not followed. */
const fieldsOf = (document: object, prefix = ""): string[] =>
  Object.entries(document).flatMap(([name, value]) => {
    const path = prefix + name;
    return name === "seen" && prefix === "" && "host" in value ? [path, ...fieldsOf(value, `${path}.`)] : [path];
  });

describe.skipIf(server === null)("MongoDB store", () => {
  test("stores buckets, GPUs, attribution and positions as documents that are readable in mongosh", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    const facts = factsOf(1, heldBy("train"));
    await repository.save(
      [
        batchOf([
          [UTIL, 0, 1, facts],
          [UTIL, 2000, 2.5, facts],
          [ENGINE_3, 2000, 0.25, facts],
        ]),
      ],
      { positions: [{ producer: "csv@0/1", epoch: 3, seq: 7, position: "row 9" }] },
    );
    const from = new Date(START);
    const to = new Date(START + 2000);
    expect(await database.db.collection("telemetry_points").find().toArray()).toEqual([
      {
        _id: expect.stringMatching(new RegExp(`^${GPU}:${START}:[0-9a-f]{16}$`)),
        v: 2,
        gpu: GPU,
        from,
        to,
        at: [0, 2000],
        series: { [UTIL]: [1, 2.5], [ENGINE_3]: [null, 0.25] },
        held: '[[[["research","train","main",null]]],[[0,1]],null]',
      },
    ]);
    expect(await database.db.collection("gpus").find().toArray()).toEqual([
      {
        _id: GPU as never,
        v: 1,
        firstSeen: from,
        seen: {
          lastSeen: to,
          host: "host-0",
          index: "1",
          device: "nvidia1",
          model: "NVIDIA H100 80GB HBM3",
          driver: "535.129.03",
          pciBusId: null,
          labels: null,
          place: 1,
        },
        instances: {},
        newest: { [UTIL]: from, [ENGINE_3]: from },
      },
    ]);
    const hold = { v: 1, gpu: GPU, namespace: "research", pod: "train", container: "main", podUid: null, job: null };
    expect(await database.db.collection("holds").find({ instance: null }).toArray()).toEqual([
      {
        _id: `${GPU}||["pod","research","train","main",null]|${START}` as never,
        ...hold,
        instance: null,
        from,
        to,
        ended: null,
        usualMs: 2000,
      },
    ]);
    expect(await database.db.collection("stays").find().toArray()).toEqual([
      { _id: `${GPU}|${START}|host-0|1` as never, v: 1, gpu: GPU, host: "host-0", index: "1", from, to },
    ]);
    expect(await database.db.collection("positions").find().toArray()).toEqual([
      { _id: "csv@0/1" as never, v: 1, epoch: 3, seq: 7, position: "row 9" },
    ]);
  });

  test("has the collections and fields that FORMATS.md lists", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    const positions = [{ producer: "csv@0/1", epoch: 1, seq: 1, position: "" }];
    const stale: Row = [TEMP, 0, Number.NaN, factsOf(1, heldBy("train"))];
    await repository.save([batchOf([[UTIL, 0, 1, factsOf(1, heldBy("train"))], stale])], { positions });
    await repository[Symbol.asyncDispose]();
    const [, section = ""] = readDocument("services/repository/FORMATS.md").split("## MongoDB\n");
    const collections = [...section.matchAll(/^#### `(\w+)`$/gm)].map(([, name = ""]) => name);
    const listed = await database.db.listCollections().toArray();
    expect(listed.map(({ name }) => name).toSorted()).toEqual(collections.toSorted());
    for (const collection of collections) {
      // Version 1 alone writes attributions.
      if (collection === "attributions") continue;
      const described = tableUnder(section, `\`${collection}\``).map(([name]) => codeIn(name));
      const stored = fieldsOf((await database.db.collection(collection).findOne()) ?? {});
      // A server may order the fields of an upsert by name.
      expect([collection, ...stored.toSorted()]).toEqual([collection, ...described.toSorted()]);
    }
  });

  test("stores series whose names MongoDB would read as paths or operators", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    const names = ["$sum", "a.b", "a%2Eb", "a%b", 'xid{xid="1.5"}', "ü"].sort() as Series[];
    await repository.save([batchOf(names.map((name, tick): Row => [name, 0, tick]))]);
    expect(await read(repository)).toEqual(names.map((name, tick) => [name, 0, tick]));
    expect((await repository.latest([GPU])).get(GPU)?.map(({ series }) => series)).toEqual(names);
  });

  test("splits a block that is too large for one document, and counts it as one bucket", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    const series = Array.from({ length: 200 }, (_, index) => `S${String(index).padStart(3, "0")}` as Series);
    const ticks = 700;
    const rows = Array.from({ length: ticks }, (_, tick) =>
      series.map((name, column): Row => [name, tick * 1000, tick + column / 1000]),
    ).flat();
    const batch = batchOf(rows);
    const whole = { buckets: 1, readings: rows.length, duplicateBuckets: 0, duplicateReadings: 0 };
    expect(await repository.save([batch])).toMatchObject(whole);
    expect(await database.db.collection("telemetry_points").countDocuments()).toBeGreaterThan(1);
    const again = { buckets: 0, readings: 0, duplicateBuckets: 1, duplicateReadings: rows.length };
    expect(await repository.save([batch])).toMatchObject(again);
    const readings = await read(repository, { order: "oldest", metrics: ["S199"] });
    expect(readings).toEqual(Array.from({ length: ticks }, (_, tick) => ["S199" as Series, tick * 1000, tick + 0.199]));
  });

  test("readings() returns pages of 10,000 from thousands of small buckets", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    const ticks = 1500;
    const names = [UTIL, TEMP, ENGINE_3, "D", "E", "F", "G"].sort() as Series[];
    const batches = Array.from({ length: ticks }, (_, tick) =>
      batchOf(names.map((name, column): Row => [name, tick * 1000, tick * 10 + column])),
    );
    await repository.save(batches);
    const first = await repository.readings(GPU, { from: 0, to: START + HOUR }, { limit: 10_000 });
    expect(first.readings).toHaveLength(10_000);
    expect(first.next).not.toBeNull();
    const rest = await read(repository, { after: first.next ?? undefined });
    expect(rest).toHaveLength(ticks * names.length - 10_000);
    expect(rest.at(-1)).toEqual([names.at(-1) as Series, 0, names.length - 1]);
  });

  test("readings() throws for a bucket of a newer version", async () => {
    await using database = openDatabase(url);
    await using repository = await database.open();
    await repository.save([batchOf([[UTIL, 0, 1]])]);
    await database.db.collection("telemetry_points").updateMany({}, { $set: { v: 3 } });
    expect(await refusalOf(repository.readings(GPU, { from: 0, to: START + HOUR }, { limit: 1 }))).toMatch(
      /^internal: Cannot read bucket GPU-.*: version must be 1 or 2, got 3; use a newer release$/,
    );
  });

  test("has an index for each of its queries", async () => {
    await using database = openDatabase(url);
    await using _repository = await database.open();
    const keysOf = async (name: string) =>
      (await database.db.collection(name).indexes())
        .map(({ key }) => key)
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    expect(await keysOf("telemetry_points")).toEqual([{ _id: 1 }, { gpu: 1, from: 1 }, { gpu: 1, to: -1 }]);
    expect(await keysOf("gpus")).toEqual([{ _id: 1 }, { "seen.host": 1, "seen.place": 1, _id: 1 }]);
    for (const [name, indexes] of Object.entries(INDEXES)) {
      const created = (await keysOf(name === "points" ? "telemetry_points" : name)).map((key) => JSON.stringify(key));
      for (const { key } of indexes) expect(created).toContain(JSON.stringify(key));
    }
  });

  test("creates, changes and drops the TTL index with the retention, and logs once where the server has none", async () => {
    await using database = openDatabase(url);
    const { log, lines } = keptLog();
    const saveOnce = async (retentionMs: number) => {
      await using repository = await database.open({ retentionMs, log, clock: new ManualClock(START) });
      await repository.save([batchOf([[UTIL, 0, 1]])]);
    };
    const index = async () =>
      (await database.db.collection("telemetry_points").indexes()).find(({ name }) => name === "to_1");
    await saveOnce(24 * HOUR);
    const refused = lines.filter(({ message }) => message.startsWith("TTL index unavailable"));
    expect((await index())?.expireAfterSeconds).toBe(refused.length === 0 ? 86_400 : undefined);
    expect(refused.length).toBeLessThanOrEqual(1);
    await saveOnce(48 * HOUR);
    expect((await index())?.expireAfterSeconds).toBe(refused.length === 0 ? 172_800 : undefined);
    {
      // A reader changes nothing.
      await using reader = await database.open({ retentionMs: 0 });
      expect(await read(reader)).toHaveLength(1);
      expect(await index()).toBeDefined();
    }
    await saveOnce(0);
    expect(await index()).toBeUndefined();
  });

  test("does not show the address in the error for a malformed one", async () => {
    const parts = { clock: new ManualClock(), log: keptLog().log };
    const open = (address: string) =>
      refusalOf(
        openRepository({ kind: "mongodb", url: address, database: "d", poolSize: 1, retentionMs: 0, format: 2 }, parts),
      );
    for (const address of [
      "mongodb://user:secret@host:notaport/",
      "mongodb://user:sec:secret@[bad",
      "mongodb://u:secret@h/?nonsense=1",
    ]) {
      const refusal = await open(address);
      expect(refusal).toStartWith("unavailable: MONGODB_URI must be an address like mongodb://HOST:PORT: ");
      expect(refusal).not.toContain("secret");
    }
  });
});
