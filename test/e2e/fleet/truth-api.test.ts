/**
 * The API tells what the ledger of a fleet with everything switched on says: embedded and distributed, on Bun and Deno,
 * on SQLite and MongoDB, also when a collector is killed on the way.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { isJob } from "../../../data/fleet/holder.ts";
import { buildLedger } from "../../../data/fleet/ledger.ts";
import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ask, onePass, sourceEnded, startAllInOne } from "../../support/programs/all-in-one.ts";
import { addressOf } from "../../support/programs/process.ts";
import { openServices } from "../../support/programs/services.ts";
import { randomDatabase, requireMongo } from "../../support/servers/mongo-server.ts";
import { haveRedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

const LIMIT_MS = 180_000;
const FLEET: FleetOptions = {
  ...DEFAULT_FLEET,
  ...{ hosts: 4, gpusPerHost: 2, seed: 20, intervalMs: 60_000, durationMs: 90 * 60_000 },
  ...{ mig: true, timeSlicing: true, slurm: true, faults: true, lookbackMs: 300_000, scrape: "mixed" },
};

const ledger = buildLedger(FLEET);
const gpus = [...new Set(ledger.placements.map(({ gpu }) => gpu))].sort();

/** One text a hold and placement, sorted. */
function truth(): string[] {
  const holds = ledger.holds.map(({ gpu, instance, holder, from, to, open }) => {
    const name = isJob(holder) ? ["", "", "", holder.job] : [holder.namespace, holder.pod, holder.container, ""];
    return ["hold", gpu, instance ?? "", ...name, from, to, open].join(" ");
  });
  const placements = ledger.placements.map(({ gpu, host, index, from, to }) =>
    ["placement", gpu, host, index, from, to].join(" "),
  );
  return [...holds, ...placements].sort();
}

interface Answer {
  readonly workloads: {
    readonly next: string | null;
    readonly workloads: readonly {
      readonly namespace: string | null;
      readonly pod: string | null;
      readonly job: string | null;
      readonly holds: readonly {
        readonly gpuUuid: string;
        readonly instance: string | null;
        readonly container: string | null;
        readonly from: string;
        readonly to: string;
        readonly isOpen: boolean;
      }[];
    }[];
  };
  readonly [gpu: string]: unknown;
}
interface PlacementAnswer {
  readonly hostname: string;
  readonly gpuIndex: string;
  readonly from: string;
  readonly to: string;
}

/** The same from the API. */
async function told(address: string): Promise<string[]> {
  const holds = "holds { gpuUuid instance container from to isOpen }";
  const placements = gpus.map((gpu, n) => `g${n}: placements(uuid: "${gpu}") { hostname gpuIndex from to }`).join(" ");
  const query = `{ workloads(limit: 1000) { next workloads { namespace pod job ${holds} } } ${placements} }`;
  const { data } = await ask<{ data: Answer }>(`${address}/graphql?query=${encodeURIComponent(query)}`);
  expect(data.workloads.next).toBeNull();
  const lines = data.workloads.workloads.flatMap(({ namespace, pod, job, holds }) =>
    holds.map(({ gpuUuid, instance, container, from, to, isOpen }) => {
      const name = [namespace ?? "", pod ?? "", container ?? "", job ?? ""];
      return ["hold", gpuUuid, instance ?? "", ...name, Date.parse(from), Date.parse(to), isOpen].join(" ");
    }),
  );
  for (const [n, gpu] of gpus.entries()) {
    for (const { hostname, gpuIndex, from, to } of data[`g${n}`] as PlacementAnswer[]) {
      lines.push(["placement", gpu, hostname, gpuIndex, Date.parse(from), Date.parse(to)].join(" "));
    }
  }
  return lines.sort();
}

const folder = await temporaryFolder();
const csv = join(folder.path, "fleet.csv");
beforeAll(async () => void (await Bun.write(csv, [...fleetCsv(FLEET, "columns")].join(""))));
afterAll(() => folder[Symbol.asyncDispose]());

test.each(["bun", "deno"] as const)(
  "all-in-one on %s tells what the ledger says",
  async (runtime) => {
    await using program = startAllInOne(onePass(csv, join(folder.path, `${runtime}.sqlite`)), runtime);
    const address = await addressOf(program);
    await sourceEnded(program);
    expect(await told(address)).toEqual(truth());
  },
  LIMIT_MS,
);

describe.skipIf(!haveRedisServer())("the six services", () => {
  /** Kills the collector once while it stores the fleet. */
  async function pass(runtime: "bun" | "deno", store: Record<string, string>): Promise<string[]> {
    await using redis = await startRedisServer();
    await using services = await openServices({
      runtime,
      redis: redis.address,
      store: { ...store, FORMAT: "2", QUEUE_LEASE: "2s" },
      streamer: { CSV_PATH: csv, STREAM_INTERVAL: "0", BATCH_SIZE: "500", LOOP_MODE: "false", FORMAT: "2" },
    });
    const { members, url } = services;
    await services.start("queue-service", "collector", "inventory", "telemetry", "api-gateway");
    await services.ready();
    const counters = async () => {
      const query = encodeURIComponent("{ queues { counters { published acked } } }");
      const { data } = await ask<{ data: { queues: { counters: { published: number; acked: number } }[] } }>(
        `${url}/graphql?query=${query}`,
      );
      return data.queues[0]?.counters ?? { published: 0, acked: 0 };
    };
    members.streamer.start();
    await eventually(async () => (await counters()).acked > 0, { what: "the first stored batch" });
    await members.collector.restart();
    await members.collector.listening();
    await members.streamer.ended();
    const isStored = async () => {
      const { published, acked } = await counters();
      return published > 0 && published === acked;
    };
    await eventually(isStored, { what: "the acknowledgement of every batch", deadlineMs: LIMIT_MS });
    // The collector writes its last times once a minute, and when it stops.
    expect(await members.collector.stop()).toBe(0);
    return await told(url);
  }

  test.each(["bun", "deno"] as const)(
    "on %s, over Redis and SQLite, tell what the ledger says",
    async (runtime) => {
      const store = { SQLITE_PATH: join(folder.path, `services-${runtime}.sqlite`) };
      expect(await pass(runtime, store)).toEqual(truth());
    },
    LIMIT_MS,
  );

  test(
    "on bun, over Redis and MongoDB, tell what the ledger says",
    async () => {
      await using mongo = await requireMongo("fleet's truth over the API");
      if (mongo === null) return;
      const store = { MONGODB_URI: mongo.uri, MONGODB_DATABASE: randomDatabase() };
      expect(await pass("bun", store)).toEqual(truth());
    },
    LIMIT_MS,
  );
});
