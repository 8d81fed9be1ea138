/** Conformance of filters. */
import { expect, test } from "bun:test";
import type { LiveFilter } from "../../../services/live-feed/port.ts";
import { uuidOf, type WrittenReading } from "../../support/collector/batches.ts";
import { frame, live, type OpenLiveFeed, POWER, publish, TEMP, values, watch } from "./bench.ts";

/** Every reading has a value of its own, which identifies it. */
const FLEET: readonly WrittenReading[] = [
  { gpu: 1, host: "host-1", namespace: "ml", value: 11 },
  { gpu: 1, host: "host-1", namespace: "ml", series: POWER, value: 12 },
  { gpu: 2, host: "host-1", namespace: "batch", value: 21 },
  { gpu: 2, host: "host-1", namespace: "batch", series: `${TEMP}{GPU_I_ID="3"}`, value: 22 },
  { gpu: 3, host: "host-2", namespace: null, value: 31 },
];

const CASES: readonly [what: string, filter: LiveFilter, passed: readonly number[]][] = [
  ["nothing, so that everything passes", {}, [11, 12, 21, 22, 31]],
  ["GPUs", { gpus: [uuidOf(1), uuidOf(3), uuidOf(9)] }, [11, 12, 31]],
  ["hosts", { hosts: ["host-1", "host-9"] }, [11, 12, 21, 22]],
  ["a host named twice", { hosts: ["host-2", "host-2"] }, [31]],
  ["namespaces, which a GPU without a holder has none of", { namespaces: ["ml", "batch", ""] }, [11, 12, 21, 22]],
  ["a metric with all its series", { metrics: [TEMP] }, [11, 21, 22, 31]],
  [
    "several conditions, which must all be met",
    { hosts: ["host-1"], namespaces: ["batch"], metrics: [TEMP] },
    [21, 22],
  ],
  ["GPUs and hosts together", { gpus: [uuidOf(1), uuidOf(3)], hosts: ["host-2"] }, [31]],
  ["values above", { above: 21 }, [22, 31]],
  ["values below", { below: 12 }, [11]],
  ["values above or below, outside of a span", { above: 22, below: 12 }, [11, 31]],
  ["values and GPUs", { gpus: [uuidOf(2)], above: 21 }, [22]],
];

export function filterConformance(open: OpenLiveFeed): void {
  for (const [what, filter, expected] of CASES) {
    test(`liveFeed.subscribe() filters by ${what}`, async () => {
      await using bench = await open();
      const frames = await watch(bench, { filter });
      await publish(bench, ...FLEET);
      expect(await values(frames)).toEqual([...expected]);
    });
  }

  test("liveFeed.subscribe() with an empty list in its filter yields nothing", async () => {
    await using bench = await open();
    const filters = [{ gpus: [] }, { hosts: [] }, { namespaces: [] }, { metrics: [] }];
    const nothing = await Promise.all(filters.map((filter) => watch(bench, { filter })));
    const everything = await watch(bench);
    await publish(bench, ...FLEET);
    expect((await frame(everything)).readings.length).toBe(FLEET.length);
    for (const frames of nothing) {
      const ending = frames.next();
      await frames.return?.();
      expect((await ending).done).toBe(true);
    }
  });

  test("liveFeed.subscribe() filters by the namespace at the reading's time", async () => {
    await using bench = await open();
    const frames = await watch(bench, { filter: { namespaces: ["ml"] } });
    await publish(
      bench,
      { namespace: "ml", after: 0, value: 1 },
      { namespace: "ml", after: 1000, value: 2 },
      { namespace: "batch", after: 2000, value: 3 },
    );
    expect(await frame(frames)).toEqual({ readings: [live({ after: 1000, value: 2 })], missed: 1 });
  });

  test("liveFeed.subscribe() yields a short crossing of a threshold, whatever follows it", async () => {
    await using bench = await open();
    const frames = await watch(bench, { filter: { above: 90 } });
    await publish(bench, { after: 0, value: 50 }, { after: 1000, value: 95 }, { after: 2000, value: 50 });
    await publish(bench, { after: 3000, value: 51 });
    expect(await frame(frames)).toEqual({ readings: [live({ after: 1000, value: 95 })], missed: 0 });
  });
}
