/**
 * Stores of the previous release and of this one on one database: whichever of them saves a batch, and in whatever
 * order, the database answers as one that this release has filled alone. A SQLite file belongs to the newer one.
 *
 * `UPGRADE_SEED=7 UPGRADE_RUNS=100 bun test --timeout 900000 test/faults/mixed-releases.test.ts` tries more.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { Batch } from "../../schema/batch/batch.ts";
import { encodeBatch } from "../../schema/batch/codec.ts";
import type { AppError } from "../../schema/model/errors.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository, type RepositoryConfig } from "../../services/repository/open.ts";
import type { Repository } from "../../services/repository/port.ts";
import { batchOf, factsOf, heldBy, type Row, START, TEMP, UTIL, uuidOf } from "../conformance/repository/bench.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { openDatabase, type SharedDatabase } from "../support/repository/mongo-store.ts";
import { requireMongo } from "../support/servers/mongo-server.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { answersOf, differences, freshAnswers, NO_DIFFERENCE } from "../support/upgrade/answers.ts";
import { openPreviousRelease, type PreviousRelease } from "../support/upgrade/previous-release.ts";

const SEED = Number(process.env.UPGRADE_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.UPGRADE_RUNS ?? 6);
const STEP_MS = 15_000;

/** What the test uses of modules of the previous release; its batches are not those of this one. */
interface EarlierModules {
  readonly open: (config: RepositoryConfig, parts: object) => Promise<EarlierStore>;
  readonly decode: (bytes: Uint8Array) => { readonly ok: boolean; readonly value: unknown };
}
interface EarlierStore extends AsyncDisposable {
  save(batches: readonly unknown[]): Promise<unknown>;
  gpus(query: { limit: number }): Promise<{ readonly total: number }>;
  latest: Repository["latest"];
}

/** Pods by number; null: no holder. */
const PODS = ["a", "b", null] as const;

interface History {
  /** For each of two GPUs: by tick the number of its pod. */
  readonly pods: readonly (readonly number[])[];
  /** Ticks of the batches, one after another. */
  readonly sizes: readonly number[];
  /** For each delivery: which store saves the batch, and how many batches later it is saved. */
  readonly savers: readonly { readonly store: number; readonly late: number; readonly isTwice: boolean }[];
  /** After this many deliveries, a minute passes. */
  readonly minuteAfter: number;
}

const history: fc.Arbitrary<History> = fc.record({
  pods: fc.array(fc.array(fc.nat({ max: 2 }), { minLength: 12, maxLength: 12 }), { minLength: 2, maxLength: 2 }),
  sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 12, maxLength: 12 }),
  savers: fc.array(
    fc.record({ store: fc.nat({ max: 3 }), late: fc.constantFrom(0, 0, 0, 1, 2), isTwice: fc.boolean() }),
    { minLength: 12, maxLength: 12 },
  ),
  minuteAfter: fc.integer({ min: 2, max: 12 }),
});

function batchesOf({ pods, sizes }: History): Batch[] {
  const batches: Batch[] = [];
  for (let tick = 0; tick < 12; ) {
    const end = Math.min(12, tick + (sizes[batches.length] as number));
    const rows: Row[] = [];
    for (; tick < end; tick++) {
      for (const [gpu, ofGpu] of pods.entries()) {
        const facts = factsOf(gpu, heldBy(PODS[ofGpu[tick] as number] ?? null));
        rows.push([UTIL, tick * STEP_MS, tick, facts], [TEMP, tick * STEP_MS, 30 + tick, facts]);
      }
    }
    batches.push(batchOf(rows, { v: 1, seq: batches.length + 1 }));
  }
  return batches;
}

/** Returns the batches in the order in which they are saved, with their savers. */
function deliveriesOf({ savers, ...rest }: History) {
  return batchesOf({ savers, ...rest })
    .map((batch, index) => {
      const saver = savers[index] as History["savers"][number];
      return { batch, ...saver, place: index + saver.late };
    })
    .sort((a, b) => a.place - b.place);
}

/** Saves with two stores of each release: 0 and 1 are the previous one's. */
async function saveMixed(given: History, modules: EarlierModules, database: SharedDatabase): Promise<string[]> {
  const clock = new ManualClock(START + 12 * STEP_MS);
  const parts = { clock, log: silentLogger };
  const earlier = [await modules.open(database.config, parts), await modules.open(database.config, parts)];
  const stores: Repository[] = [await database.open({ clock, format: 1 }), await database.open({ clock, format: 1 })];
  const save = async (store: number, batch: Batch): Promise<void> => {
    const own = stores[store - earlier.length];
    if (own !== undefined) await own.save([batch]);
    else await earlier[store]?.save([modules.decode(encodeBatch(batch)).value]);
  };
  for (const [index, { batch, store, isTwice }] of deliveriesOf(given).entries()) {
    await save(store, batch);
    if (isTwice) await save(3 - store, batch);
    if (index + 1 === given.minuteAfter) await clock.advance(61_000);
  }
  const [first, own] = [earlier[0] as EarlierStore, stores[0] as Repository];
  expect((await first.gpus({ limit: 10 })).total).toBe(given.pods.length);
  const uuids = given.pods.map((_, gpu) => uuidOf(gpu));
  expect(await first.latest(uuids)).toEqual(await own.latest(uuids));
  for (const one of [...earlier, ...stores]) await one[Symbol.asyncDispose]();
  await using store = await database.open({ clock });
  return await answersOf(store);
}

let previous: PreviousRelease;
let modules: EarlierModules;
beforeAll(async () => {
  previous = await openPreviousRelease();
  const { openRepository: open } = await previous.load<{ openRepository: EarlierModules["open"] }>(
    "services/repository/open.ts",
  );
  const { decodeBatch: decode } = await previous.load<{ decodeBatch: EarlierModules["decode"] }>(
    "schema/batch/codec.ts",
  );
  modules = { open, decode };
});
afterAll(() => previous[Symbol.asyncDispose]());

test("an open SQLite store of the previous release is unavailable once this one has upgraded the file", async () => {
  await using folder = await temporaryFolder();
  const config = { kind: "sqlite", path: join(folder.path, "store.sqlite"), retentionMs: 0 } as const;
  const parts = { clock: new ManualClock(START), log: silentLogger };
  const batches = [0, 1, 2].map((tick) =>
    batchOf([[UTIL, tick * STEP_MS, tick, factsOf(1, heldBy("a"))]], { v: 1, seq: tick + 1 }),
  );
  const [one, two, three] = batches as [Batch, Batch, Batch];
  await using earlier = await modules.open(config, parts);
  const saveEarlier = (batch: Batch) => earlier.save([modules.decode(encodeBatch(batch)).value]);
  await saveEarlier(one);
  await using store = await openRepository(config, parts);
  await store.save([two]);
  /** The classes of errors of the two releases are not the same. */
  const refusalOf = (call: Promise<unknown>) =>
    call.then(
      () => "answered",
      ({ code, message }: AppError) => `${code}: ${message}`,
    );
  // Unavailable, so a collector waits and uses no attempt.
  expect(await refusalOf(saveEarlier(three))).toBe(
    `unavailable: Cannot use the store ${config.path}: no such column: container`,
  );
  expect(await refusalOf(modules.open(config, parts))).toBe(
    `unavailable: Cannot use the store ${config.path}: version must be at most 1, got 2; use a newer release`,
  );
  await store.save([three]);
  expect(differences(await answersOf(store), await freshAnswers(batches))).toEqual(NO_DIFFERENCE);
});

const mongo = await requireMongo("mixed releases");
describe.skipIf(mongo === null)("a MongoDB store of both releases", () => {
  afterAll(() => mongo?.[Symbol.asyncDispose]());

  test("answers as a store that this release alone has filled", async () => {
    console.log(`mixed releases: UPGRADE_SEED=${SEED}`);
    await fc.assert(
      fc.asyncProperty(history, async (given) => {
        await using database = openDatabase(mongo?.uri ?? "");
        const answers = await saveMixed(given, modules, database);
        expect(differences(answers, await freshAnswers(batchesOf(given)))).toEqual(NO_DIFFERENCE);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  }, 900_000);
});
