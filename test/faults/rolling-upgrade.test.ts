/**
 * Rolls this release out over processes of the previous one, in both orders, while a fleet streams through them. The
 * long version adds all faults of chaos:
 *
 * `UPGRADE_SEED=7 UPGRADE_READINGS=8000 UPGRADE_CHAOS=1 bun test --timeout 60000 test/faults/rolling-upgrade.test.ts`
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MongoClient } from "mongodb";
import { openLiveFeed } from "../../services/live-feed/open.ts";
import { disturb } from "../support/chaos/chaos.ts";
import { chaosFaults } from "../support/chaos/chaos-faults.ts";
import { expectComplete } from "../support/programs/expect-complete.ts";
import type { Member } from "../support/programs/member.ts";
import { type Run, type RunOptions, runPipeline } from "../support/programs/pipeline-run.ts";
import { type PrivateMongoServer, requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { randomOf } from "../support/time/seeded.ts";
import { answersOf, batchesOfFleet, differences, freshAnswers, NO_DIFFERENCE } from "../support/upgrade/answers.ts";
import { type Listener, type LiveFeedModule, listenTo } from "../support/upgrade/listeners.ts";
import { openPreviousRelease, type PreviousRelease } from "../support/upgrade/previous-release.ts";
import { published, READERS_FIRST, rollOut, take, WRITERS_FIRST } from "../support/upgrade/rolling.ts";

const SEED = Number(process.env.UPGRADE_SEED ?? 1);
const READINGS = Number(process.env.UPGRADE_READINGS ?? 4000);
const CHAOS = process.env.UPGRADE_CHAOS === "1";
/** Chaos slows the store down, and a lease that ends early costs another recompute. */
const LEASE_MS = CHAOS ? 15_000 : 5000;
const EVERY_MS = [150, 450] as const;
const LIMIT_MS = 900_000;

async function chaos({ pipeline, redis, store, signal }: Run): Promise<void> {
  if (!CHAOS) return;
  const faults = chaosFaults({ pipeline, redis, store, leaseMs: LEASE_MS });
  await disturb(faults, { random: randomOf(SEED), everyMs: EVERY_MS, signal });
}

async function restartGracefully(member: Member): Promise<void> {
  await member.stop();
  member.start();
  await member.listening();
}

/** Fails unless both releases have written documents. */
async function expectBothWrote({ store, database }: Run): Promise<void> {
  await using client = new MongoClient(store.uri);
  const db = client.db(database);
  const points = db.collection("telemetry_points");
  expect(await points.countDocuments({ v: 1 })).toBeGreaterThan(0);
  expect(await points.countDocuments({ v: 2 })).toBeGreaterThan(0);
  expect(await db.collection("attributions").countDocuments()).toBeGreaterThan(0);
}

describe.skipIf(!haveRedisServer())("a rolling upgrade from the previous release", () => {
  let store: PrivateMongoServer | null;
  let previous: PreviousRelease;
  beforeAll(async () => {
    store = await requirePrivateMongo("rolling upgrade");
    previous = await openPreviousRelease();
  });
  afterAll(async () => {
    await store?.[Symbol.asyncDispose]();
    await previous[Symbol.asyncDispose]();
  });

  /** Runs the pipeline, and expects the store to answer like one that this release has filled alone. */
  async function upgrade(meanwhile: (run: Run) => Promise<void>, given: Partial<RunOptions> = {}): Promise<void> {
    if (store === null) return;
    let run: Run | undefined;
    const options: RunOptions = {
      seed: SEED,
      readings: READINGS,
      gpus: 8,
      batchSize: 50,
      turnTicks: CHAOS ? 20 : 4,
      store,
      counts: { streamer: 2, queueService: CHAOS ? 2 : 1, collector: CHAOS ? 3 : 2 },
      // Slow enough that the streamers do not end before the last step, also where processes start slowly.
      intervalMs: CHAOS ? 100 : 400,
      leaseMs: LEASE_MS,
      maxDeliveries: 50,
      programs: previous.programs,
      inspect: async (repository, fleet) => {
        // A killed collector leaves last times behind, see services/repository/FORMATS.md.
        if (CHAOS) return;
        const fresh = await freshAnswers(await batchesOfFleet(fleet));
        expect(differences(await answersOf(repository), fresh)).toEqual(NO_DIFFERENCE);
      },
      ...given,
    };
    const report = await runPipeline(options, async (running) => {
      run = running;
      const disturbed = chaos(running);
      await meanwhile(running);
      await disturbed;
    });
    expectComplete(report);
    await expectBothWrote(run as Run);
  }

  test(
    "tells subscribers each reading once, and loses and alters nothing: readers before writers",
    async () => {
      const listeners: Record<string, Listener> = {};
      await using opened = new AsyncDisposableStack();
      const prepare: RunOptions["prepare"] = async ({ config }) => {
        const earlier = await previous.load<LiveFeedModule>("services/live-feed/open.ts");
        listeners.earlier = opened.use(await listenTo(earlier, config));
        listeners.own = opened.use(await listenTo({ openLiveFeed } as LiveFeedModule, config));
      };
      let readings = 0;
      await upgrade(
        async (run) => {
          readings = run.fleet.readings;
          const toVersion2 = READERS_FIRST.findIndex(({ format }) => format === "2");
          await rollOut(READERS_FIRST, run, {
            replace: CHAOS ? undefined : restartGracefully,
            before: (step) => {
              if (CHAOS || step !== toVersion2) return;
              // A subscriber of the previous release gets readings of both releases, but not version 2.
              const { told = 0, twice } = listeners.earlier ?? {};
              expect(told).toBeGreaterThan(readings / 4);
              expect(twice).toBe(0);
            },
          });
        },
        CHAOS ? {} : { prepare },
      );
      if (CHAOS || store === null) return;
      const own = listeners.own as Listener;
      await eventually(() => own.told + own.missed >= readings, { what: "all readings in frames" });
      expect({ twice: own.twice, all: own.told + own.missed }).toEqual({ twice: 0, all: readings });
    },
    LIMIT_MS,
  );

  test(
    "loses, repeats and alters nothing though each process is killed: writers before readers",
    () => upgrade((run) => rollOut(WRITERS_FIRST, run)),
    LIMIT_MS,
  );

  test(
    "keeps batches that came too early for an old collector as dead letters, and stores them after a redrive",
    async () => {
      if (CHAOS) return;
      await upgrade(async (run) => {
        await published(1 / 8, run);
        await take({ role: "queueService" }, run);
        await take({ role: "collector", first: 1, format: "2" }, run);
        await take({ role: "streamer", format: "2" }, run);
        const stats = () => run.queue.stats().catch(() => undefined);
        await eventually(() => run.signal.aborted, { what: "the end of the streamers", deadlineMs: LIMIT_MS });
        await eventually(async () => ((await stats())?.dead ?? 0) > 0, { what: "a dead letter" });
        const { letters } = await run.queue.deadLetters.list({ limit: 1 });
        expect(letters[0]?.reason).toBe("Cannot decode the batch: version must be 1, got 2");
        await take({ role: "collector", format: "2" }, run, restartGracefully);
        const dead = (await stats())?.dead;
        expect(await run.queue.deadLetters.redrive()).toBe(dead as number);
      });
    },
    LIMIT_MS,
  );
});
