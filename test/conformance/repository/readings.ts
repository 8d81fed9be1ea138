/** Readings of one GPU: merged, in order, within a window. */
import { expect, test } from "bun:test";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  HOUR,
  type OpenRepository,
  read,
  TEMP,
  UTIL,
  windowOf,
} from "./bench.ts";

export function readingsConformance(open: OpenRepository): void {
  test("repository.readings() returns the larger value where buckets overlap, and counts the difference", async () => {
    await using bench = await open();
    const { repository } = bench;
    const first = batchOf([
      [UTIL, 0, 10],
      [UTIL, 1000, 50],
      [UTIL, 2000, 7],
      [TEMP, 1000, 30],
    ]);
    const second = batchOf([
      [UTIL, 1000, 40],
      [UTIL, 2000, 7],
      [UTIL, 3000, 9],
      [TEMP, 2000, 31],
    ]);
    await repository.save([second]);
    expect(await repository.save([first])).toMatchObject({ buckets: 1, readings: 4 });
    expect(await read(repository)).toEqual([
      [UTIL, 3000, 9],
      [TEMP, 2000, 31],
      [UTIL, 2000, 7],
      [TEMP, 1000, 30],
      [UTIL, 1000, 50],
      [UTIL, 0, 10],
    ]);
    expect(await bench.counted("store_differing_readings_total")).toBe(1);
  });

  test("repository.readings() sorts newest first over many buckets and hours, oldest first when asked", async () => {
    await using bench = await open();
    const { repository } = bench;
    const times = Array.from({ length: 50 }, (_, index) => index * 400_000 + (index % 3));
    const shuffled = [2, 3, 1, 4, 0].flatMap((fifth) => times.filter((_, index) => index % 5 === fifth));
    for (const at of shuffled) await repository.save([batchOf([[UTIL, at, at % 97]])]);
    await repository.save([batchOf(times.map((at) => [TEMP, at, 30]))]);
    const oldest = times.flatMap((at) => [[TEMP, at, 30] as const, [UTIL, at, at % 97] as const]);
    expect(await read(repository, { order: "oldest" })).toEqual(oldest.map(([...row]) => row));
    const newest = times.toReversed().flatMap((at) => [[TEMP, at, 30] as const, [UTIL, at, at % 97] as const]);
    expect(await read(repository)).toEqual(newest.map(([...row]) => row));
  });

  test("repository.readings() includes the start of its window and excludes the end", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([0, 1000, 2000, HOUR, HOUR + 1000].map((at) => [UTIL, at, 1]))]);
    const times = async (from: number, to: number, order: "newest" | "oldest" = "newest") =>
      (await read(repository, { window: windowOf(from, to), order })).map(([, at]) => at);
    expect(await times(0, 2000)).toEqual([1000, 0]);
    expect(await times(1000, 1000)).toEqual([]);
    expect(await times(1, 2001)).toEqual([2000, 1000]);
    expect(await times(2000, HOUR, "oldest")).toEqual([2000]);
    expect(await times(2000, HOUR + 1, "oldest")).toEqual([2000, HOUR]);
    expect(await times(999.5, 1000.5)).toEqual([1000]);
    expect(await times(HOUR + 1001, Number.POSITIVE_INFINITY)).toEqual([]);
    expect(await times(Number.NEGATIVE_INFINITY, 1)).toEqual([0]);
    expect(await times(-5000, 0)).toEqual([]);
  });

  test("repository.readings() filters by metric, which means all its series", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [ENGINE_3, 0, 0.3],
        [ENGINE_7, 0, 0.7],
        [UTIL, 0, 10],
        [TEMP, 0, 30],
      ]),
      batchOf([[TEMP, HOUR, 31]]),
    ]);
    const metrics = (...names: string[]) => read(repository, { metrics: names });
    expect(await metrics("DCGM_FI_PROF_GR_ENGINE_ACTIVE")).toEqual([
      [ENGINE_3, 0, 0.3],
      [ENGINE_7, 0, 0.7],
    ]);
    expect(await metrics(TEMP)).toEqual([
      [TEMP, HOUR, 31],
      [TEMP, 0, 30],
    ]);
    expect(await metrics(UTIL, TEMP)).toHaveLength(3);
    expect(await metrics("DCGM_FI_DEV")).toEqual([]);
    expect(await read(repository, { metrics: [UTIL], limit: 1 })).toEqual([[UTIL, 0, 10]]);
  });

  test("repository.readings() returns readings of one GPU only", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1],
        [UTIL, 0, 2, factsOf(2)],
        [UTIL, 500, 3, factsOf(0)],
      ]),
    ]);
    expect(await read(repository)).toEqual([[UTIL, 0, 1]]);
  });

  test("repository.readings() leaves out what a series does not have at a time", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1],
        [TEMP, 1000, 2],
      ]),
    ]);
    expect(await read(repository)).toEqual([
      [TEMP, 1000, 2],
      [UTIL, 0, 1],
    ]);
  });
}
