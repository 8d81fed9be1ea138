/** Questions over time have the answers to which all readings, holds and placements lead, counted one by one. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Holder, holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import type { Aggregate } from "../../../services/telemetry/series/fold.ts";
import { readSeries, type SeriesQuery } from "../../../services/telemetry/series/read.ts";
import type { GroupKey } from "../../../services/telemetry/series/stretches.ts";
import { batchOf, factsOf, podOf, type Row, START, uuidOf, windowOf } from "../../conformance/repository/bench.ts";
import { openModelRepository } from "../../support/repository-model/repository.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
const POWER = "DCGM_FI_DEV_POWER_USAGE" as Series;
const ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" as Series;
const MINUTE = 60_000;

const ASKED: SeriesQuery = {
  metrics: [UTIL],
  filter: {},
  groupBy: ["GPU"],
  window: windowOf(0, 60 * MINUTE),
  stepMs: null,
  across: undefined,
};

async function storeOf(...saves: readonly (readonly Row[])[]): Promise<Repository> {
  const clock = new ManualClock(START + 120 * MINUTE);
  const repository = openModelRepository({ retentionMs: 0 }, { clock });
  for (const [seq, rows] of saves.entries()) await repository.save([batchOf(rows, { seq })]);
  return repository;
}

type Found = Partial<GroupKey> & {
  readonly metric: string;
  readonly shared?: boolean;
  readonly of: (aggregate: Aggregate) => (number | null)[];
};

async function ask(store: Repository, query: Partial<SeriesQuery>) {
  const { groups, windows } = await readSeries(store, { ...ASKED, ...query });
  return {
    times: windows.starts.map((start) => start - START),
    groups: groups.map(
      (group): Found => ({
        ...Object.fromEntries(Object.entries(group.key).filter(([, part]) => part !== null)),
        metric: group.metric,
        ...(group.isShared ? { shared: true } : {}),
        of: (aggregate) => group.values(aggregate),
      }),
    ),
  };
}

const held = (gpu: number, pod: string | null) => factsOf(gpu, pod === null ? {} : { holders: [podOf(pod)] });

/** A reading every five minutes of two GPUs: `train` holds both from minute 10 to 35, and GPU 2 is idle from 30 on. */
const hour = Array.from({ length: 12 }, (_, index) => index * 5).flatMap((minute): Row[] => {
  const pod = minute >= 10 && minute <= 35 ? "train" : null;
  const at = minute * MINUTE;
  // 3.6 MJ an hour is 1 kW. The counter of GPU 1 begins again at minute 25.
  const energy = (minute >= 25 ? minute - 25 : minute + 1000) * 36_000;
  return [
    [UTIL, at, pod === null ? 0 : 90, held(1, pod)],
    [UTIL, at, pod === null || minute >= 30 ? 0 : 60, held(2, pod)],
    [ENERGY, at, energy, held(1, pod)],
  ];
});

describe("readSeries()", () => {
  test("answers with the mean of a pod while it ran, of each GPU and of both", async () => {
    const store = await storeOf(hour);
    const byGpu = await ask(store, { filter: { pod: "train" } });
    expect(byGpu.groups.map(({ of, ...key }) => [key, of("avg"), of("count")])).toEqual([
      [{ gpu: uuidOf(1), metric: UTIL }, [90], [6]],
      [{ gpu: uuidOf(2), metric: UTIL }, [40], [6]],
    ]);
    const byPod = await ask(store, { groupBy: ["POD"] });
    expect(byPod.groups.map(({ of, ...key }) => [key, of("avg"), of("max"), of("count")])).toEqual([
      [{ namespace: "research", pod: "train", metric: UTIL }, [65], [90], [12]],
    ]);
  });

  test("answers with the increase of a counter over a reset, in all and window by window", async () => {
    const store = await storeOf(hour);
    const whole = await ask(store, { metrics: [ENERGY], filter: { pod: "train" } });
    // Four steps of five minutes and one that begins again at 0.
    expect(whole.groups[0]?.of("increase")).toEqual([20 * 36_000]);
    const split = await ask(store, { metrics: [ENERGY], filter: { pod: "train" }, stepMs: 10 * MINUTE });
    expect(split.times).toEqual([0, 10, 20, 30, 40, 50].map((minute) => minute * MINUTE));
    expect(split.groups[0]?.of("increase")).toEqual([null, 180_000, 180_000, 360_000, null, null]);
    expect(split.groups[0]?.of("rate")).toEqual([null, 600, 300, 600, null, null]);
  });

  test("counts what a card reports for each replica or instance once, and adds up cards", async () => {
    const reading = (gpu: number, series: string, value: number, instance: string | null = null): Row => [
      series as Series,
      0,
      value,
      factsOf(gpu, { instance }),
    ];
    const store = await storeOf([
      ...["3", "7"].map((id) => reading(1, `${POWER}{GPU_I_ID="${id}"}`, 310, id)),
      ...["1", "2"].map((id) => reading(2, `${POWER}{vgpu="${id}"}`, 200)),
      ...["3", "7"].map((id, index) => reading(1, `DCGM_FI_DEV_FB_USED{GPU_I_ID="${id}"}`, 100 + index, id)),
    ]);
    const metrics = [POWER, "DCGM_FI_DEV_FB_USED"];
    const fleet = await ask(store, { metrics, groupBy: [] });
    expect(fleet.groups.map(({ of, metric }) => [metric, of("avg"), of("count")])).toEqual([
      ["DCGM_FI_DEV_FB_USED", [201], [2]],
      [POWER, [510], [2]],
    ]);
    const instances = await ask(store, { metrics: ["DCGM_FI_DEV_FB_USED"], groupBy: ["INSTANCE"] });
    expect(instances.groups.map(({ of, ...key }) => [key, of("last")])).toEqual([
      [{ gpu: uuidOf(1), instance: "3", metric: "DCGM_FI_DEV_FB_USED" }, [100]],
      [{ gpu: uuidOf(1), instance: "7", metric: "DCGM_FI_DEV_FB_USED" }, [101]],
    ]);
  });

  test("gives each holder of a shared GPU its value, and splits the steps of its counters", async () => {
    const both = (at: number, pods: readonly string[], value: number): Row => [
      ENERGY,
      at,
      value,
      factsOf(1, { holders: holderSetOf(pods.map((pod) => podOf(pod))) }),
    ];
    const store = await storeOf([both(0, ["a"], 100), both(1000, ["a", "b"], 200), both(2000, ["a", "b"], 400)]);
    const { groups } = await ask(store, { metrics: [ENERGY], groupBy: ["POD"] });
    expect(groups.map(({ of, pod, shared }) => [pod, shared, of("last"), of("increase")])).toEqual([
      ["a", true, [400], [100 + 100]],
      ["b", true, [400], [100]],
    ]);
  });

  test("counts readings for the host that the GPU was in", async () => {
    const inHost = (at: number, host: string): Row => [UTIL, at, at / 1000, factsOf(1, { host })];
    const store = await storeOf([inHost(1000, "n1"), inHost(2000, "n1")], [inHost(3000, "n2"), inHost(4000, "n2")]);
    const byHost = await ask(store, { groupBy: ["HOST"] });
    expect(byHost.groups.map(({ of, ...key }) => [key, of("avg")])).toEqual([
      [{ host: "n1", metric: UTIL }, [1.5]],
      [{ host: "n2", metric: UTIL }, [3.5]],
    ]);
    expect((await ask(store, { filter: { hostname: "n2" } })).groups[0]?.of("sum")).toEqual([7]);
  });

  test("refuses too many groups, and names what to change", async () => {
    const gpus = Array.from({ length: 30 }, (_, number): Row => [UTIL, 0, 1, factsOf(number)]);
    const store = await storeOf(gpus);
    await expect(ask(store, { stepMs: 1000 })).rejects.toThrow(/at most 100,000 windows .*: choose a longer step/);
  });

  test("equals counts and sums over all readings and holds, one by one", async () => {
    const holders: readonly Holder[] = [podOf("a"), podOf("b"), { kind: "job", job: "1200" }];
    const row = fc.record({
      gpu: fc.nat(2),
      tick: fc.nat(12),
      value: fc.nat(9),
      held: fc.subarray([...holders]),
      model: fc.constant("m"),
    });
    const groupings = fc.subarray(["GPU", "NAMESPACE", "POD", "JOB"] as const);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { selector: ({ gpu, tick }) => `${gpu} ${tick}`, minLength: 1, maxLength: 30 }),
        groupings,
        fc.constantFrom(null, 3000, 5000),
        async (rows, groupBy, stepMs) => {
          const store = await storeOf(
            rows.map(({ gpu, tick, value, held: names }): Row => {
              return [UTIL, tick * 1000, value, factsOf(gpu, { holders: holderSetOf(names) })];
            }),
          );
          const query = { groupBy, stepMs, across: "SUM" as const };
          const found = await ask(store, query);
          const expected = await oracle(store, { ...ASKED, ...query });
          const texts = found.groups.map(({ of, metric: _, shared: __, ...key }) => [key, of("count"), of("sum")]);
          expect(texts).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Count and sum of each group, from pages of readings and the list of holds. */
async function oracle(store: Repository, { groupBy, window, stepMs }: SeriesQuery) {
  const groups = new Map<string, { count: (number | null)[]; sum: (number | null)[] }>();
  const step = stepMs ?? window.to - window.from;
  const first = stepMs === null ? window.from : Math.floor(window.from / step) * step;
  const windows = Math.ceil((window.to - first) / step);
  for (const { uuid } of (await store.gpus({ limit: 100 })).gpus) {
    const holds = (await store.holds([uuid], ALL_TIME, { max: 1000 })).get(uuid) ?? [];
    const { readings } = await store.readings(uuid, window, { limit: 1000 });
    for (const { at, value, series } of readings) {
      expect(metricOf(series)).toBe(UTIL);
      const covering = holds.filter(({ from, to }) => from <= at && at <= to);
      const byHolder = groupBy.some((grouping) => grouping !== "GPU");
      const names = byHolder ? covering.flatMap(({ holder }) => namesFor(holder, groupBy)) : [{}];
      for (const name of new Set(names.map((part) => JSON.stringify(part)))) {
        const key = JSON.stringify({ ...(groupBy.includes("GPU") ? { gpu: uuid } : {}), ...JSON.parse(name) });
        const group = groups.get(key) ?? { count: new Array(windows).fill(null), sum: new Array(windows).fill(null) };
        groups.set(key, group);
        const index = Math.floor((at - first) / step);
        group.count[index] = (group.count[index] ?? 0) + 1;
        group.sum[index] = (group.sum[index] ?? 0) + value;
      }
    }
  }
  const order = (key: string) => {
    const { gpu = "", namespace = "", pod = "", job = "" } = JSON.parse(key);
    return JSON.stringify([gpu, "", "", "", namespace, pod, job]);
  };
  const sorted = [...groups].sort(([a], [b]) => (order(a) < order(b) ? -1 : 1));
  return sorted.map(([key, { count, sum }]) => [JSON.parse(key), count, sum]);
}

function namesFor(holder: Holder, groupBy: SeriesQuery["groupBy"]): object[] {
  if (holder.kind === "job") return groupBy.includes("JOB") ? [{ job: holder.job }] : [];
  if (groupBy.includes("POD")) return [{ namespace: holder.namespace, pod: holder.pod }];
  return groupBy.includes("NAMESPACE") ? [{ namespace: holder.namespace }] : [];
}
