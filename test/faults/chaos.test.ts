/**
 * Kills every process and cuts every link of a pipeline: two streamers, two queue-services, three collectors, Redis and
 * the store. Then compares the store with the input, reading by reading.
 *
 * `CHAOS_SEED=7 CHAOS_READINGS=300000 bun test test/faults/chaos.test.ts` repeats a run, or does a larger one.
 */
import { expect, test } from "bun:test";
import { describeChaos, runChaos } from "../support/chaos/chaos-run.ts";
import { expectComplete } from "../support/programs/expect-complete.ts";
import { requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";

const SEED = Number(process.env.CHAOS_SEED ?? 1);
const READINGS = Number(process.env.CHAOS_READINGS ?? 12_000);

test.skipIf(!haveRedisServer())(
  `the pipeline loses, repeats and alters no reading under chaos with seed ${SEED}`,
  async () => {
    await using store = await requirePrivateMongo("chaos");
    if (store === null) return;
    const report = await runChaos({ seed: SEED, readings: READINGS, store });
    console.log(describeChaos(report));
    expectComplete(report);
    expect(report.stats.counters.acked).toBe(report.stats.counters.published);
  },
  900_000,
);
