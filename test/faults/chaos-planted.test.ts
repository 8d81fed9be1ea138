/** Proves that the chaos test can fail: the same chaos over services with a planted defect. */
import { expect, test } from "bun:test";
import { describeChaos, runChaos } from "../support/chaos/chaos-run.ts";
import { requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";

/** A single run loses readings almost certainly. */
const SEEDS = [1, 2, 3, 4, 5];
const READINGS = 20_000;

test.skipIf(!haveRedisServer()).each([
  ["a collector that acknowledges before it stores", { collector: "test/faults/planted/early-ack-collector.ts" }],
  ["a claim in two commands", { queueService: "test/faults/planted/split-claim-queue-service.ts" }],
])(
  "the chaos test finds lost readings with %s",
  async (defect, programs) => {
    await using store = await requirePrivateMongo("planted defects");
    if (store === null) return;
    let lost = 0;
    for (const seed of SEEDS) {
      const report = await runChaos({ seed, readings: READINGS, store, programs });
      console.log(`with ${defect}: ${describeChaos(report)}`);
      expect(report.stored.altered).toBe(0);
      lost = report.stored.lost;
      if (lost > 0) break;
    }
    expect(lost).toBeGreaterThan(0);
  },
  1_500_000,
);
