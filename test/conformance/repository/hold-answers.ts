/** Holds in answers: windows, bounds, the present, and expiry. */
import { expect, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { heldIn, nameOf } from "../../support/repository/held-in.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type OpenRepository,
  podOf,
  type Row,
  START,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";
import { type Interval, intervals, rowsHeldBy } from "./held-bench.ts";

export function holdAnswerConformance(open: OpenRepository): void {
  test("repository.holds() returns the holds that overlap the window, uncut", async () => {
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

  test("repository.holds() ignores readings more than ten minutes ahead until their time comes", async () => {
    await using bench = await open();
    const { repository, clock } = bench;
    await repository.save([batchOf(rowsHeldBy(["a", "a"]))]);
    await repository.save([batchOf([[UTIL, HOUR, 1, factsOf(1, { ...heldBy("b"), host: "moved" })]])]);
    const a = { gpu: GPU, instance: null, holder: podOf("a"), from: START, to: START + 1000 };
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([{ ...a, isOpen: true }]);
    expect(await repository.gpusByUuid([GPU])).toMatchObject([{ host: "host-0", lastSeen: START + 1000 }]);
    await repository.save([batchOf(rowsHeldBy(["a"], 2))]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([{ ...a, to: START + 2000, isOpen: true }]);
    await clock.advance(HOUR);
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([
      { ...a, to: START + 2000, isOpen: false },
      { ...a, holder: podOf("b"), from: START + HOUR, to: START + HOUR, isOpen: true },
    ]);
    expect(await repository.gpusByUuid([GPU])).toMatchObject([{ host: "moved", lastSeen: START + HOUR }]);
    const placed = await repository.placements({ gpu: GPU }, ALL_TIME);
    expect(placed.map(({ host }) => host)).toEqual(["host-0", "moved"]);
  });

  test("repository.holds() keeps holds of readings that have expired, and continues them", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(2 * HOUR);
    await repository.save([batchOf(rowsHeldBy(["a", "b", "b"]))]);
    await repository.save([batchOf([[UTIL, HOUR, 1, factsOf(1, heldBy("c"))]])]);
    while ((await repository.expire(START + HOUR)) > 0);
    const old: Interval[] = [
      ["a", 0, 0],
      ["b", 1, 2],
    ];
    expect(await intervals(bench)).toEqual([...old, ["c", 3600, 3600]]);
    await repository.save([batchOf([[UTIL, HOUR + 1000, 1, factsOf(1, heldBy("c"))]])]);
    await repository.save([batchOf([[TEMP, HOUR, 1, factsOf(1, heldBy("c"))]])]);
    await repository.save([batchOf([[UTIL, HOUR + 2000, 1, factsOf(1, heldBy("d"))]])]);
    expect(await intervals(bench)).toEqual([...old, ["c", 3600, 3601], ["d", 3602, 3602]]);
  });

  test("repository.holds() keeps what older readings said that have expired before anyone asked", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(2 * HOUR);
    await repository.save([batchOf(rowsHeldBy(["a", "a", "a"]))]);
    await repository.save([batchOf([[UTIL, HOUR, 1, factsOf(1, heldBy("c"))]])]);
    await repository.save([batchOf([[TEMP, 1000, 1, factsOf(1, heldBy("b"))]])]);
    while ((await repository.expire(START + HOUR)) > 0);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 2],
      ["b", 1, 1],
      ["c", 3600, 3600],
    ]);
  });

  test("repository.holds() returns the same holds as for each GPU alone, within its bound", async () => {
    await using bench = await open();
    const { repository } = bench;
    const numbers = Array.from({ length: 60 }, (_, number) => number);
    const held = numbers.flatMap((number) =>
      Array.from({ length: number % 4 }, (_, tick): Row => {
        return [UTIL, tick * 1000, number, factsOf(number, heldBy(`pod-${number}-${tick}`))];
      }),
    );
    await repository.save([batchOf(held)]);
    const gpus = [999, ...numbers].map(uuidOf);
    const all = await repository.holds(gpus, ALL_TIME, { max: 10_000 });
    expect([...all.keys()]).toEqual(gpus);
    for (const number of numbers.slice(0, 12)) {
      const ofGpu = all.get(uuidOf(number)) ?? [];
      expect(ofGpu.map(nameOf)).toEqual(Array.from({ length: number % 4 }, (_, tick) => `pod-${number}-${tick}`));
      expect(ofGpu).toEqual([...(await heldIn(repository, uuidOf(number), ALL_TIME))]);
    }
    // The GPUs 0, 1 and 2 have three holds together.
    expect([...(await repository.holds(gpus, ALL_TIME, { max: 3 })).keys()]).toEqual(gpus.slice(0, 4));
    const signal = AbortSignal.abort();
    await expect(repository.holds(gpus, ALL_TIME, { max: 10, signal })).rejects.toThrow();
  });
}
