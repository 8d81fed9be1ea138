import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ask, differences, onePass, sourceEnded, startAllInOne, storedReadings } from "../support/all-in-one.ts";
import { answersOf } from "../support/answers.ts";
import { type DcgmExport, smallExport } from "../support/dcgm-export.ts";
import { eventually } from "../support/eventually.ts";
import { addressOf } from "../support/process.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { openServices } from "../support/services.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PIPELINE = encodeURIComponent("{ queues { ready leased counters { published acked } } deadLetters { total } }");

interface Pipeline {
  readonly data: {
    readonly queues: readonly {
      readonly ready: number;
      readonly leased: number;
      readonly counters: { readonly published: number; readonly acked: number };
    }[];
    readonly deadLetters: { readonly total: number };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

describe.skipIf(!haveRedisServer())("the six services", () => {
  let csv: DcgmExport;
  let uuid: string;
  let embedded: Record<string, unknown>;
  beforeAll(async () => {
    csv = await smallExport(folder.path);
    [uuid = ""] = csv.expected.keys();
    await using program = startAllInOne(onePass(csv.path, join(folder.path, "embedded.sqlite")));
    const address = await addressOf(program);
    await sourceEnded(program);
    embedded = await answersOf(address, uuid);
  }, 60_000);

  /** One pass of the export through all six, and what the API says afterwards. */
  async function pass(runtime: "bun" | "deno", redis: RedisServer, store: Record<string, string>) {
    const streamer = { CSV_PATH: csv.path, STREAM_INTERVAL: "0", LOOP_MODE: "false" };
    await using services = await openServices({ runtime, redis: redis.address, store, streamer });
    const { members, url } = services;
    await services.start("queue-service", "collector", "inventory", "telemetry", "api-gateway");
    members.streamer.start();
    await members.streamer.ended();
    await services.ready();
    const stored = async () => {
      const found = differences(await storedReadings(url), csv.expected);
      return found.length === 0;
    };
    await eventually(stored, { what: "every reading of the file, once", deadlineMs: 30_000 });
    // What is stored is acknowledged a moment later.
    const drained = async () => (await ask<Pipeline>(`${url}/graphql?query=${PIPELINE}`)).data.queues[0]?.leased === 0;
    await eventually(drained, { what: "nothing left with the collector" });
    const { queues, deadLetters } = (await ask<Pipeline>(`${url}/graphql?query=${PIPELINE}`)).data;
    const [queue] = queues;
    expect(queue).toMatchObject({ ready: 0, counters: { acked: queue?.counters.published } });
    expect(deadLetters.total).toBe(0);
    const answers = await answersOf(url, uuid);
    const statuses: Record<string, number> = {};
    for (const [name, member] of Object.entries(members)) {
      if (name !== "streamer") statuses[name] = await member.stop();
    }
    return { answers, statuses, streamer: members.streamer.ends };
  }

  for (const runtime of ["bun", "deno"] as const) {
    test(`on ${runtime}, over Redis and SQLite: the answers of all-in-one`, async () => {
      await using redis = await startRedisServer();
      const outcome = await pass(runtime, redis, { SQLITE_PATH: join(folder.path, `${runtime}.sqlite`) });
      expect(csv.expected.size).toBe(247);
      expect(outcome.answers).toEqual(embedded);
      expect(outcome.streamer).toEqual([0]);
      expect(Object.values(outcome.statuses)).toEqual([0, 0, 0, 0, 0]);
    }, 90_000);
  }
});
