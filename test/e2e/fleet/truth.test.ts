/**
 * Holds, instances and placements of the simulated fleet, read through the real parser, streamer and store, are those
 * of its ledger, whatever the sizes of batches, the shards, the order of arrival, repeated deliveries and restarts.
 */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { isJob, type Holder as LedgerHolder } from "../../../data/fleet/holder.ts";
import { buildLedger, type Hold as LedgerHold } from "../../../data/fleet/ledger.ts";
import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import type { Batch } from "../../../schema/batch/batch.ts";
import type { GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository, type RepositoryConfig } from "../../../services/repository/open.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { openDatabase } from "../../support/repository/mongo-store.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";
import { batchesIn, filesAt, openTestQueue, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const MINUTE = 60_000;

const anyFleet = (maxTicks: number): fc.Arbitrary<FleetOptions> =>
  fc
    .record({
      hosts: fc.integer({ min: 1, max: 3 }),
      gpusPerHost: fc.integer({ min: 1, max: 2 }),
      intervalMs: fc.constantFrom(15_000, MINUTE, 5 * MINUTE),
      ticks: fc.integer({ min: 1, max: maxTicks }),
      seed: fc.integer({ min: 0, max: 0xffff_ffff }),
      mig: fc.boolean(),
      timeSlicing: fc.boolean(),
      slurm: fc.boolean(),
      faults: fc.boolean(),
      lookbackMs: fc.constantFrom(0, 5 * MINUTE),
      scrape: fc.constantFrom("none" as const, "rename" as const),
    })
    .map(({ ticks, ...rest }) => ({ ...DEFAULT_FLEET, ...rest, durationMs: ticks * rest.intervalMs }));

interface Manner {
  readonly batchSize: number;
  readonly shards: number;
  readonly disorder: readonly number[];
  readonly reopenAfter: number;
}

const manner = (batchSizes: readonly number[]): fc.Arbitrary<Manner> =>
  fc.record({
    batchSize: fc.constantFrom(...batchSizes),
    shards: fc.integer({ min: 1, max: 3 }),
    /** Swaps neighbours, repeats and groups batches. */
    disorder: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 20 }),
    reopenAfter: fc.nat({ max: 30 }),
  });

/** All batches of the fleet's file. */
async function batchesOf(options: FleetOptions, batchSize: number, shards: number): Promise<Batch[]> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "fleet.csv");
  await Bun.write(path, [...fleetCsv(options, "columns")].join(""));
  const clock = new InstantClock(options.startMs);
  const queue = openTestQueue(clock);
  for (let shard = 0; shard < shards; shard++) {
    await stream({ sources: filesAt(path), batchSize, shard, shards }, { queue, clock });
  }
  return batchesIn(queue);
}

/** The batches in another order, in groups, and some of them twice. */
function* deliveries(batches: readonly Batch[], disorder: readonly number[]): Generator<readonly Batch[]> {
  const order = [...batches];
  for (let index = 0; index + 1 < order.length; index++) {
    const by = disorder[index % disorder.length] as number;
    const other = Math.min(order.length - 1, index + by);
    [order[index], order[other]] = [order[other] as Batch, order[index] as Batch];
  }
  for (let start = 0; start < order.length; ) {
    const size = 1 + (disorder[start % disorder.length] as number);
    const group = order.slice(start, start + size);
    yield group;
    if (size === 3) yield group;
    start += size;
  }
}

const nameOf = (holder: LedgerHolder | Hold["holder"]): string =>
  "kind" in holder
    ? holder.kind === "job"
      ? `job ${holder.job}`
      : `${holder.namespace}/${holder.pod}/${holder.container}`
    : isJob(holder)
      ? `job ${holder.job}`
      : `${holder.namespace}/${holder.pod}/${holder.container}`;

const holdText = ({ gpu, instance, holder, from, to }: LedgerHold | Hold, isOpen: boolean): string =>
  `${gpu} ${instance ?? "-"} ${nameOf(holder)} ${from} ${to} ${isOpen ? "open" : "ended"}`;

async function compare(
  options: FleetOptions,
  { batchSize, shards, disorder, reopenAfter }: Manner,
  config: RepositoryConfig,
) {
  const clock = new ManualClock(options.startMs + options.durationMs);
  const open = () => openRepository(config, { clock, log: silentLogger });
  let repository = await open();
  let saves = 0;
  for (const group of deliveries(await batchesOf(options, batchSize, shards), disorder)) {
    await repository.save(group);
    if (++saves !== reopenAfter) continue;
    await repository[Symbol.asyncDispose]();
    repository = await open();
  }
  const ledger = buildLedger(options);
  const gpus = [...new Set(ledger.placements.map(({ gpu }) => gpu as GpuUuid))];
  const holds = [...(await repository.holds(gpus, ALL_TIME, { max: 100_000 })).values()].flat();
  expect(holds.map((hold) => holdText(hold, hold.isOpen)).sort()).toEqual(
    ledger.holds.map((hold) => holdText(hold, hold.open)).sort(),
  );
  const placements: string[] = [];
  for (const gpu of gpus) {
    for (const { host, index, from, to, isCurrent } of await repository.placements({ gpu }, ALL_TIME)) {
      placements.push(`${gpu} ${host} ${index} ${from} ${to} ${isCurrent}`);
    }
  }
  expect(placements.sort()).toEqual(
    ledger.placements
      .map(({ gpu, host, index, from, to, ended }) => `${gpu} ${host} ${index} ${from} ${to} ${ended === null}`)
      .sort(),
  );
  await repository[Symbol.asyncDispose]();
}

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
console.log(`fleet's truth: TEST_SEED=${seed}`);

test("SQLite tells what the fleet's ledger says", async () => {
  await using folder = await temporaryFolder();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(anyFleet(90), manner([7, 100, 5000]), (options, how) =>
      compare(options, how, { kind: "sqlite", path: join(folder.path, `${run++}.sqlite`), retentionMs: 0 }),
    ),
    { numRuns: Number(process.env.FLEET_RUNS ?? 40), seed },
  );
}, 120_000);

const mongo = await requireMongo("fleet's truth");
if (mongo !== null) {
  afterAll(() => mongo[Symbol.asyncDispose]());

  /** Smaller than for SQLite: FerretDB searches whole collections, so each save takes longer than the one before. */
  test("MongoDB tells what the fleet's ledger says", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet(30), manner([50, 5000]), async (options, how) => {
        await using database = openDatabase(mongo.uri);
        await compare(options, how, database.config);
      }),
      { numRuns: Number(process.env.FLEET_RUNS ?? 4), seed },
    );
  }, 180_000);
}
