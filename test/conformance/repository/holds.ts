/** Holds: which pods and jobs had a GPU or a MIG instance, from when to when. */
import { expect, test } from "bun:test";
import type { Holder } from "../../../schema/model/holder.ts";
import { holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { heldIn, nameOf } from "../../support/repository/held-in.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
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
} from "./bench.ts";
import { intervals, rowsHeldBy } from "./held-bench.ts";

const MINUTE = 60_000;

export function holdConformance(open: OpenRepository): void {
  test("repository.holds() returns one hold for a holder that continues over several batches", async () => {
    await using bench = await open();
    for (const from of [0, 2, 4]) await bench.repository.save([batchOf(rowsHeldBy(["a", "a"], from))]);
    expect(await heldIn(bench.repository, GPU, ALL_TIME)).toEqual([
      { gpu: GPU, instance: null, holder: podOf("a"), from: START, to: START + 5000, isOpen: true },
    ]);
  });

  test("repository.holds() takes holders from the sightings of batches of version 1", async () => {
    await using bench = await open();
    await bench.repository.save([batchOf(rowsHeldBy(["a", "a", "b"]), { v: 1 })]);
    await bench.repository.save([batchOf(rowsHeldBy(["b", null], 3), { v: 1 })]);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 1],
      ["b", 2, 3],
    ]);
  });

  test("repository.holds() returns A-B-A as three holds, and A-nobody-A as two", async () => {
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

  test("repository.holds() returns overlapping holds of a shared GPU, of pods and jobs", async () => {
    await using bench = await open();
    const job: Holder = { kind: "job", job: "1200" };
    const sets: readonly (readonly Holder[])[] = [[podOf("a")], [podOf("a"), podOf("b")], [podOf("b"), job], [job]];
    await bench.repository.save([
      batchOf(sets.map((holders, tick): Row => [UTIL, tick * 1000, 1, factsOf(1, { holders: holderSetOf(holders) })])),
    ]);
    expect(await heldIn(bench.repository, GPU, ALL_TIME)).toEqual([
      { gpu: GPU, instance: null, holder: podOf("a"), from: START, to: START + 1000, isOpen: false },
      { gpu: GPU, instance: null, holder: podOf("b"), from: START + 1000, to: START + 2000, isOpen: false },
      { gpu: GPU, instance: null, holder: job, from: START + 2000, to: START + 3000, isOpen: true },
    ]);
  });

  test("repository.holds() separates MIG instances from each other and from the card", async () => {
    await using bench = await open();
    const held = (pod: string, instance: string | null) => factsOf(1, { ...heldBy(pod), instance });
    await bench.repository.save([
      batchOf([
        [ENGINE_3, 0, 0.5, held("a", "3")],
        [ENGINE_7, 0, 0.5, held("b", "7")],
        [UTIL, 0, 50],
        [ENGINE_3, 1000, 0.5, held("a", "3")],
        [ENGINE_7, 1000, 0.5, held("a", "7")],
      ]),
    ]);
    const found = await heldIn(bench.repository, GPU, ALL_TIME);
    expect(found.map((hold) => [hold.instance, nameOf(hold), hold.from - START, hold.to - START])).toEqual([
      ["3", "a", 0, 1000],
      ["7", "b", 0, 0],
      ["7", "a", 1000, 1000],
    ]);
  });

  test("repository.holds() ends a hold where one series drops it, and lets the others open nothing", async () => {
    await using bench = await open();
    const rows = (tick: number, util: string | null, temp: string | null): Row[] => [
      [UTIL, tick * 1000, tick, factsOf(1, heldBy(util))],
      [TEMP, tick * 1000, tick, factsOf(1, heldBy(temp))],
    ];
    for (const [tick, util, temp] of [
      [0, "a", "a"],
      [1, null, "a"],
      [2, "b", "a"],
      [3, "b", "b"],
    ] as const) {
      await bench.repository.save([batchOf(rows(tick, util, temp))]);
    }
    expect(await intervals(bench)).toEqual([
      ["a", 0, 0],
      ["b", 2, 3],
    ]);
  });

  test("repository.holds() ends a hold before a silence, which is three usual intervals and five minutes", async () => {
    await using bench = await open();
    await bench.clock.advance(HOUR);
    const hold = (minutes: readonly number[]) =>
      bench.repository.save([
        batchOf(minutes.map((minute): Row => [UTIL, minute * MINUTE, minute, factsOf(1, heldBy("a"))])),
      ]);
    await hold([0, 1, 2]);
    await hold([6]);
    await hold([12, 13, 14]);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 6 * 60],
      ["a", 12 * 60, 14 * 60],
    ]);
  });

  test("repository.holds() decides about a pause by the readings before and after it", async () => {
    await using bench = await open();
    await bench.clock.advance(3 * HOUR);
    // The usual interval is 15 s at first; by 20 readings after the pause, it is 299 s.
    const after = Array.from({ length: 22 }, (_, reading) => 630 + 299 * reading);
    for (const second of [0, 15, 30, ...after]) {
      await bench.repository.save([batchOf([[UTIL, second * 1000, 1, factsOf(1, heldBy("a"))]])]);
    }
    expect(await intervals(bench)).toEqual([["a", 0, 630 + 299 * 21]]);
  });

  test("repository.holds() ends the hold of a replica when only other replicas go on", async () => {
    await using bench = await open();
    const reading = (second: number, vgpu: number, pod: string): Row => {
      return [`DCGM_FI_DEV_FB_USED{vgpu="${vgpu}"}` as Series, second * 1000, 1, factsOf(1, heldBy(pod))];
    };
    for (const second of [0, 1]) {
      await bench.repository.save([batchOf([reading(second, 1, "a"), reading(second, 2, "b")])]);
    }
    await bench.repository.save([batchOf([reading(2, 1, "a")])]);
    expect(await heldIn(bench.repository, GPU, ALL_TIME)).toMatchObject([
      { holder: podOf("a"), from: START, to: START + 2000, isOpen: true },
      { holder: podOf("b"), from: START, to: START + 1000, isOpen: false },
    ]);
  });

  test("repository.holds() closes a hold when only other series of the GPU go on", async () => {
    await using bench = await open();
    const { repository } = bench;
    for (const tick of [0, 1, 2]) await repository.save([batchOf([[UTIL, tick * 1000, 1, factsOf(1, heldBy("a"))]])]);
    await repository.save([batchOf([[TEMP, 4 * MINUTE, 30]])]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toMatchObject([{ isOpen: true }]);
    await repository.save([batchOf([[TEMP, 6 * MINUTE, 30]])]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toMatchObject([{ to: START + 2000, isOpen: false }]);
  });

  test("repository.holds() extends a closed hold to readings that arrive after those of other series", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(HOUR);
    const held = (tick: number): Row => [UTIL, tick * 1000, 1, factsOf(1, heldBy("a"))];
    await repository.save([batchOf([held(0), held(1)])]);
    await repository.save([batchOf([[TEMP, 20 * MINUTE, 30]]), batchOf([held(2)])]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toMatchObject([{ to: START + 2000, isOpen: false }]);
  });

  test("repository.holds() ends a hold at a stale mark of a row that named its holder", async () => {
    await using bench = await open();
    const facts = factsOf(1, heldBy("a"));
    await bench.repository.save([
      batchOf([
        [UTIL, 0, 1, facts],
        [TEMP, 0, 1, facts],
      ]),
    ]);
    await bench.repository.save([
      batchOf([
        [UTIL, 1000, Number.NaN, facts],
        [TEMP, 1000, 1, facts],
      ]),
    ]);
    expect(await heldIn(bench.repository, GPU, ALL_TIME)).toMatchObject([{ from: START, to: START, isOpen: false }]);
  });

  test("repository.holds() distinguishes pods of the same name in two namespaces", async () => {
    await using bench = await open();
    const pods = [podOf("a", "x"), podOf("a", "y")];
    await bench.repository.save([
      batchOf(pods.map((pod, tick): Row => [UTIL, tick * 1000, 1, factsOf(1, { holders: [pod] })])),
    ]);
    expect((await heldIn(bench.repository, GPU, ALL_TIME)).map(({ holder }) => holder)).toEqual(pods);
  });

  test("repository.holds() splits a hold when a later save names another holder inside it", async () => {
    await using bench = await open();
    const pods = ["a", "a", "b", null, "a", "a"];
    await bench.repository.save([batchOf(rowsHeldBy(pods.slice(0, 2)))]);
    await bench.repository.save([batchOf(rowsHeldBy(pods.slice(4), 4))]);
    expect(await intervals(bench)).toEqual([["a", 0, 5]]);
    await bench.repository.save([batchOf(rowsHeldBy(pods.slice(2, 4), 2))]);
    expect(await intervals(bench)).toEqual([
      ["a", 0, 1],
      ["b", 2, 2],
      ["a", 4, 5],
    ]);
  });

  test("repository.holds() prefers a row without a holder to other rows of its series and time", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, 0, 98, factsOf(1, heldBy("a"))]])]);
    await repository.save([batchOf([[UTIL, 0, 3]])]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([]);
    expect((await repository.gpusByUuid([GPU]))[0]?.holders).toEqual([]);
    const { readings } = await repository.readings(GPU, ALL_TIME, { limit: 10 });
    expect(readings.map(({ value }) => value)).toEqual([3]);
    expect((await repository.latest([GPU])).get(GPU)?.map(({ value }) => value)).toEqual([3]);
  });

  test("repository.holds() does not change when a batch is redelivered", async () => {
    await using bench = await open();
    const first = batchOf(rowsHeldBy(["a", "a", "a"]));
    await bench.repository.save([first]);
    await bench.repository.save([batchOf([[TEMP, 1000, 30, factsOf(1, heldBy("b"))]])]);
    const before = await intervals(bench);
    expect(before).toHaveLength(2);
    await bench.repository.save([first]);
    expect(await intervals(bench)).toEqual(before);
  });
}
