/** The abuse bench for a few seconds: nothing is lost without a code, and memory is bounded. No time is asserted. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ATTACKS, CROWD, INTERNAL } from "../bench/abuse/bad.ts";
import { lossesOf, measureAbuse, storeFleet } from "../bench/abuse/measure.ts";
import { openEmbeddedUnderAbuse } from "../bench/abuse/wirings.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";

const KINDS = Object.keys(ATTACKS).filter((kind) => kind !== CROWD && !INTERNAL.has(kind));

test("all-in-one answers every request beside one misbehaving client of each kind", async () => {
  await using folder = await temporaryFolder();
  const store = join(folder.path, "telemetry.sqlite");
  const uuids = await storeFleet(join(folder.path, "fleet"), store, { readings: 30_000, gpus: 64 });
  await using wiring = await openEmbeddedUnderAbuse(store);
  const size = { good: 10, bad: KINDS.length, kinds: KINDS, only: KINDS, seconds: 3 };
  const { under, outcomes, processes } = await measureAbuse(wiring, uuids, size);
  expect(under.lost).toBe(0);
  expect(under.latencies.length).toBeGreaterThan(0);
  expect(lossesOf(outcomes)).toEqual([]);
  expect(Object.entries(outcomes).filter(([, counts]) => Object.keys(counts).length === 0)).toEqual([]);
  for (const { peak, limitMiB } of Object.values(processes)) expect(peak / 2 ** 20).toBeLessThan(limitMiB);
}, 90_000);
