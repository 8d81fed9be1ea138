/**
 * Kills every process and cuts every link of a pipeline: two streamers, two queue-services, three collectors, Redis and
 * the store. Then compares the store with the input, reading by reading.
 *
 * `CHAOS_SEED=7 CHAOS_READINGS=300000 bun test test/faults/chaos.test.ts` repeats a run, or does a larger one.
 */
import { expect, test } from "bun:test";
import { describeChaos, runChaos } from "../support/chaos/chaos-run.ts";
import { requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";

const SEED = Number(process.env.CHAOS_SEED ?? 1);
const READINGS = Number(process.env.CHAOS_READINGS ?? 150_000);
const NOTHING = { lost: 0, twice: 0, altered: 0, examples: [] };

test.skipIf(!haveRedisServer())(
  `the pipeline loses, repeats and alters no reading under chaos with seed ${SEED}`,
  async () => {
    await using store = await requirePrivateMongo("chaos");
    if (store === null) return;
    const report = await runChaos({ seed: SEED, readings: READINGS, store });
    console.log(describeChaos(report));
    expect(report.crashes).toEqual([]);
    expect(report.stored).toEqual({ readings: report.stored.readings, ...NOTHING });
    expect(report.answers).toEqual({ readings: report.answers.readings, ...NOTHING });
    expect(report.inventory).toEqual([]);
    const { dead, orphans, counters } = report.stats;
    expect({ dead, orphans, unsettled: counters.published - counters.acked }).toEqual({
      dead: 0,
      orphans: 0,
      unsettled: 0,
    });
  },
  600_000,
);
