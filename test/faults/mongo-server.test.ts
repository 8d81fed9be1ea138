/** The server that other tests kill: journalled writes that it acknowledged must survive. */
import { afterAll, describe, expect, test } from "bun:test";
import { MongoClient } from "mongodb";
import { randomDatabase, requireMongo, requirePrivateMongo } from "../support/servers/mongo-server.ts";

const shared = await requireMongo("MongoDB-compatible server");
const own = await requirePrivateMongo("MongoDB-compatible server, private");
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
  await own?.[Symbol.asyncDispose]();
});

const LOST_MS = 2000;
const DURABLE = { writeConcern: { w: "majority", journal: true } } as const;

describe.skipIf(shared === null || own === null)("MongoDB-compatible server", () => {
  test("stores documents in a database of the test's own", async () => {
    await using client = new MongoClient(shared?.uri ?? "");
    const database = client.db(randomDatabase());
    await database.collection("numbers").insertMany([{ n: 1 }, { n: 2 }]);
    expect(await database.collection("numbers").countDocuments()).toBe(2);
    await database.dropDatabase();
  });

  test("keeps acknowledged writes when it is killed, and restarts at the same address", async () => {
    if (own === null) return;
    await using client = new MongoClient(own.uri);
    const numbers = client.db(randomDatabase()).collection<{ _id: number }>("numbers");
    let acknowledged = 0;
    const insertMany = async () => {
      for (;;) {
        // The driver may wait forever on a connection that closes just as it begins to use it.
        const options: object = { ...DURABLE, signal: AbortSignal.timeout(LOST_MS) };
        await numbers.insertOne({ _id: acknowledged }, options);
        if (++acknowledged === 20) await own.kill();
      }
    };
    await expect(insertMany()).rejects.toThrow();
    expect(acknowledged).toBeGreaterThanOrEqual(20);
    await own.start();
    const found = await numbers.find().toArray();
    expect(found.length).toBeGreaterThanOrEqual(acknowledged);
  }, 60_000);

  test("answers again after a pause", async () => {
    if (own === null) return;
    await using client = new MongoClient(own.uri);
    const ping = () => client.db("admin").command({ ping: 1 });
    await ping();
    await own.pause();
    const answer = ping();
    await own.resume();
    expect(await answer).toMatchObject({ ok: 1 });
  });
});
