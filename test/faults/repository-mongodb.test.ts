/** A server that is killed, paused or down: calls end within their limit, and nothing acknowledged is lost. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ALL_TIME } from "../../schema/model/window.ts";
import type { Repository } from "../../services/repository/port.ts";
import { batchOf, factsOf, GPU, heldBy, type Row, read, START, TEMP, UTIL } from "../conformance/repository/bench.ts";
import { keptLog } from "../support/process/kept-log.ts";
import { heldIn } from "../support/repository/held-in.ts";
import { shortHolds } from "../support/repository/mongo-holds.ts";
import { openDatabase } from "../support/repository/mongo-store.ts";
import { refusalOf } from "../support/repository/sqlite-store.ts";
import { requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { randomOf } from "../support/time/seeded.ts";

setDefaultTimeout(120_000);

const server = await requirePrivateMongo("MongoDB repository, faults");
afterAll(async () => server?.[Symbol.asyncDispose]());

/** Repeats the call until it is answered, as the collector does. */
async function saveUntilDone(store: Repository, row: Row): Promise<void> {
  for (;;) {
    const refusal = await refusalOf(store.save([batchOf([row])]));
    if (refusal === "answered") return;
    expect(refusal).toStartWith("unavailable: ");
  }
}

describe.skipIf(server === null)("MongoDB store", () => {
  const { uri = "", kill, start, pause, resume } = server ?? {};

  test("throws unavailable while its server is down, works again after, and logs the outage once", async () => {
    await using database = openDatabase(uri);
    const { log, lines } = keptLog();
    await using store = await database.open({ log });
    await store.save([batchOf([[UTIL, 0, 1]])]);
    await kill?.();
    const unavailable = /^unavailable: Cannot use the store mongodb:\/\/127\.0\.0\.1:\d+\/test_\w+: /;
    const refusals = await Promise.all(
      [
        store.save([batchOf([[TEMP, 0, 30]])]),
        store.readings(GPU, ALL_TIME, { limit: 1 }),
        store.gpus({ limit: 1 }),
        store.position("csv@0/1"),
        store.ping(),
      ].map(refusalOf),
    );
    for (const refusal of refusals) expect(refusal).toMatch(unavailable);
    await start?.();
    await store.save([batchOf([[TEMP, 0, 30]])]);
    expect(await read(store)).toHaveLength(2);
    expect(lines.filter(({ fields }) => fields.dependency === "mongodb")).toMatchObject([
      { message: "unavailable", fields: { reason: expect.any(String) } },
      { message: "available", fields: { downMs: expect.any(Number) } },
    ]);
  });

  test("opens while its server is down, and works once it is up", async () => {
    await using database = openDatabase(uri);
    const { log, lines } = keptLog();
    await kill?.();
    await using store = await database.open({ log });
    expect(lines.map(({ message }) => message)).toEqual(["unavailable"]);
    expect(await refusalOf(store.save([batchOf([[UTIL, 0, 1]])]))).toStartWith("unavailable: ");
    await start?.();
    expect(await store.save([batchOf([[UTIL, 0, 1]])])).toMatchObject({ buckets: 1 });
    expect(await read(store)).toEqual([[UTIL, 0, 1]]);
  });

  test("throws unavailable for a paused server, and rejects at once when the caller aborts", async () => {
    await using database = openDatabase(uri);
    await using store = await database.open();
    await store.save([batchOf([[UTIL, 0, 1]])]);
    await pause?.();
    try {
      const leaving = new AbortController();
      const { signal } = leaving;
      const asked = [
        store.readings(GPU, ALL_TIME, { limit: 1, signal }),
        store.latest([GPU], { signal }),
        store.gpus({ limit: 1, signal }),
        store.hosts({ signal }),
        heldIn(store, GPU, ALL_TIME, { signal }),
        store.save([batchOf([[TEMP, 0, 30]])], { signal }),
      ].map(refusalOf);
      leaving.abort(new Error("the caller left"));
      expect(await Promise.all(asked)).toEqual(asked.map(() => "Error: the caller left"));
      expect(await refusalOf(store.ping())).toMatch(/^unavailable: .*: no answer within \d+ ms$/);
    } finally {
      await resume?.();
    }
    expect(await read(store)).toContainEqual([UTIL, 0, 1]);
  });

  test("has every reading once, although its server is killed during saves", async () => {
    await using database = openDatabase(uri);
    const random = randomOf(7);
    const ticks = 120;
    const podAt = (tick: number) => (Math.floor(tick / 10) % 2 === 0 ? "a" : "b");
    {
      const stores = [await database.open(), await database.open()];
      let next = 0;
      const saving = stores.map(async (store) => {
        for (let tick = next++; tick < ticks; tick = next++) {
          await saveUntilDone(store, [UTIL, tick * 1000, tick, factsOf(1, heldBy(podAt(tick)))]);
        }
      });
      for (let kills = 0; kills < 4; kills++) {
        const target = Math.floor(((kills + random()) / 4) * ticks * 0.8);
        await eventually(() => next >= target, { what: `${target} saves` });
        await kill?.();
        await start?.();
      }
      await Promise.all(saving);
      for (const store of stores) await store[Symbol.asyncDispose]();
    }
    await using after = await database.open();
    expect(await read(after, { order: "oldest" })).toEqual(
      Array.from({ length: ticks }, (_, tick) => [UTIL, tick * 1000, tick]),
    );
    expect(await after.gpusByUuid([GPU])).toMatchObject([{ firstSeen: START, lastSeen: START + (ticks - 1) * 1000 }]);
    const held = await shortHolds(after, GPU);
    expect(held.map(([pod, from, to]) => [pod, from / 1000, to / 1000])).toEqual(
      Array.from({ length: ticks / 10 }, (_, run) => [podAt(run * 10), run * 10, run * 10 + 9]),
    );
  });
});
