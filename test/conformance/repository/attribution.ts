/** Attribution: which holder had a GPU from when to when. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type OpenRepository,
  type Row,
  START,
  StoresOfRuns,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

/** Returns one reading a second, each with the pod that holds the GPU at that time. */
const rowsHeldBy = (pods: readonly (string | null)[], from = 0): Row[] =>
  pods.map((pod, tick) => [UTIL, (from + tick) * 1000, tick, factsOf(1, heldBy(pod))]);

type Interval = [pod: string | null, from: number, to: number];

/** Returns the intervals of each pod, in seconds after START, without those of nobody. */
const runsOf = (pods: readonly (string | null)[]): Interval[] => {
  const runs: Interval[] = [];
  for (const [tick, pod] of pods.entries()) {
    const last = runs.at(-1);
    if (last?.[0] === pod) last[2] = tick;
    else runs.push([pod, tick, tick]);
  }
  return runs.filter(([pod]) => pod !== null);
};

const intervals = async (
  { repository }: { repository: Awaited<ReturnType<OpenRepository>>["repository"] },
  window = ALL_TIME,
): Promise<Interval[]> =>
  (await heldIn(repository, GPU, window)).map(({ pod, from, to }) => [pod, (from - START) / 1000, (to - START) / 1000]);

export function attributionConformance(open: OpenRepository): void {
  test("repository.attributions() returns one interval for a holder that continues over several batches", async () => {
    await using bench = await open();
    for (const from of [0, 2, 4]) await bench.repository.save([batchOf(rowsHeldBy(["a", "a"], from))]);
    expect(await heldIn(bench.repository, GPU, ALL_TIME)).toEqual([
      { gpu: GPU, namespace: "research", pod: "a", container: "main", from: START, to: START + 5000 },
    ]);
  });

  test("repository.attributions() returns A-B-A as three intervals, and A-nobody-A as two", async () => {
    await using bench = await open();
    await bench.repository.save([batchOf(rowsHeldBy(["a", "a", "b"]))]);
    await bench.repository.save([batchOf(rowsHeldBy(["a", null, "a", "a"], 3))]);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 1],
      ["b", 2, 2],
      ["a", 3, 3],
      ["a", 5, 6],
    ]);
  });

  test("repository.attributions() distinguishes pods of the same name in two namespaces", async () => {
    await using bench = await open();
    await bench.repository.save([
      batchOf([
        [UTIL, 0, 1, factsOf(1, { pod: "a", namespace: "x" })],
        [UTIL, 1000, 1, factsOf(1, { pod: "a", namespace: "y" })],
        [UTIL, 2000, 1, factsOf(1, { namespace: "y" })],
      ]),
    ]);
    const found = await heldIn(bench.repository, GPU, ALL_TIME);
    expect(found.map(({ namespace, pod, container }) => [namespace, pod, container])).toEqual([
      ["x", "a", null],
      ["y", "a", null],
      ["y", null, null],
    ]);
  });

  test("repository.attributions() splits an interval when a later save names another holder inside it", async () => {
    await using bench = await open();
    const pods = ["a", "a", "b", null, "a", "a"];
    const [early, between, late] = [pods.slice(0, 2), pods.slice(2, 4), pods.slice(4)] as [
      string[],
      string[],
      string[],
    ];
    await bench.repository.save([batchOf(rowsHeldBy(early))]);
    await bench.repository.save([batchOf(rowsHeldBy(late, 4))]);
    expect(await intervals(bench)).toEqual([["a", 0, 5]]);
    await bench.repository.save([batchOf(rowsHeldBy(between, 2))]);
    expect(await intervals(bench)).toEqual(runsOf(pods));
  });

  test("repository.attributions() cuts an interval at the nearest readings, also inside a bucket", async () => {
    await using bench = await open();
    const others = rowsHeldBy(["a", "a", "a", "a", "a"]).filter((_, tick) => tick !== 2);
    await bench.repository.save([batchOf(others)]);
    await bench.repository.save([batchOf(rowsHeldBy(["b"], 2))]);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 1],
      ["b", 2, 2],
      ["a", 3, 4],
    ]);
  });

  test("repository.attributions() keeps the holder of a later source when an earlier batch is redelivered", async () => {
    await using bench = await open();
    const first = batchOf(rowsHeldBy(["a", "a", "a"]));
    await bench.repository.save([first]);
    await bench.repository.save([batchOf([[TEMP, 1000, 30, factsOf(1, heldBy("b"))]])]);
    const before = await intervals(bench);
    expect(before).toHaveLength(3);
    await bench.repository.save([first]);
    expect(await intervals(bench)).toEqual(before);
  });

  test("repository.attributions() returns the intervals that overlap the window, uncut", async () => {
    await using bench = await open();
    await bench.repository.save([batchOf(rowsHeldBy(["a", "a", "b", "b", null, "c"]))]);
    const touching = (from: number, to: number) => intervals(bench, windowOf(from, to));
    expect(await touching(1000, 2000)).toEqual([["a", 0, 1]]);
    expect(await touching(1000, 2001)).toEqual([
      ["a", 0, 1],
      ["b", 2, 3],
    ]);
    expect(await touching(1001, 2000)).toEqual([]);
    expect(await touching(2500, 2600)).toEqual([["b", 2, 3]]);
    expect(await touching(3001, 5000)).toEqual([]);
    expect(await touching(4000, Number.POSITIVE_INFINITY)).toEqual([["c", 5, 5]]);
  });

  test("repository.attributions() does not change when another source names the same holders", async () => {
    await using bench = await open();
    const pods = ["a", "a", "b", "b", "a"];
    await bench.repository.save([batchOf(rowsHeldBy(pods))]);
    const again = rowsHeldBy(pods).map(([, at, value, facts]): Row => [TEMP, at, value, facts ?? factsOf(1)]);
    for (const row of again.toReversed()) await bench.repository.save([batchOf([row])]);
    expect(await intervals(bench)).toEqual(runsOf(pods));
  });

  test("repository.attributions() does not depend on the order, grouping and repetition of batches", async () => {
    const timeline = fc.array(fc.constantFrom("a", "b", null), { minLength: 1, maxLength: 24 }).chain((pods) => {
      const cuts = fc.subarray([...pods.keys()].slice(1));
      return fc.record({
        pods: fc.constant(pods),
        /** Two sources cover all times, in batches cut at these ticks. */
        sources: fc.tuple(cuts, cuts),
        shuffle: fc.array(fc.nat(1000), { minLength: 2 * pods.length, maxLength: 2 * pods.length }),
        twice: fc.nat(7),
        group: fc.integer({ min: 1, max: 4 }),
        /** Distance of ticks: a second, or a quarter of an hour. */
        stepMs: fc.constantFrom(1000, HOUR / 4),
      });
    });
    await using stores = new StoresOfRuns(open);
    await fc.assert(
      fc.asyncProperty(timeline, async ({ pods, sources, shuffle, twice, group, stepMs }) => {
        const { repository, run: gpu } = await stores.next();
        const parts = sources.flatMap((cuts, source) =>
          [0, ...cuts].map((start, index) =>
            batchOf(
              pods
                .slice(start, cuts[index])
                .map(
                  (pod, tick): Row => [
                    source === 0 ? UTIL : TEMP,
                    (start + tick) * stepMs,
                    tick,
                    factsOf(gpu, heldBy(pod)),
                  ],
                ),
            ),
          ),
        );
        const rank = new Map(parts.map((batch, index) => [batch, shuffle[index] ?? 0]));
        const saves = parts.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
        saves.push(saves[twice % saves.length] as (typeof saves)[number]);
        for (let start = 0; start < saves.length; start += group) {
          await repository.save(saves.slice(start, start + group));
        }
        const found = (await heldIn(repository, uuidOf(gpu), ALL_TIME)).map(
          ({ pod, from, to }): Interval => [pod, (from - START) / stepMs, (to - START) / stepMs],
        );
        expect(found).toEqual(runsOf(pods));
      }),
      { numRuns: 150 },
    );
  });
}
