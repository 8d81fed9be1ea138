/** Newest readings. */
import { expect, test } from "bun:test";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  GPU,
  HOUR,
  type OpenRepository,
  type Row,
  read,
  rowsOf,
  TEMP,
  UTIL,
  uuidOf,
} from "./bench.ts";

export function latestConformance(open: OpenRepository): void {
  test("repository.latest() returns the newest reading of each series, by series", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 2000, 12],
        [UTIL, 1000, 11],
        [TEMP, 1000, 30],
      ]),
      // Ends later, but its reading of UTIL is older.
      batchOf([
        [UTIL, 1500, 99],
        [TEMP, 3000, 31],
      ]),
    ]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([
      [TEMP, 3000, 31],
      [UTIL, 2000, 12],
    ]);
  });

  test("repository.latest() finds the last reading of a series that ended many hours ago", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1],
        [ENGINE_3, 0, 0.25],
      ]),
    ]);
    await bench.clock.advance(30 * HOUR);
    for (let hour = 1; hour < 30; hour++) {
      await repository.save([batchOf([[UTIL, hour * HOUR, hour]]), batchOf([[UTIL, hour * HOUR + 1000, hour]])]);
    }
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([
      [UTIL, 29 * HOUR + 1000, 29],
      [ENGINE_3, 0, 0.25],
    ]);
  });

  test("repository.latest() ignores older readings that arrive late", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(2 * HOUR);
    await repository.save([batchOf([[UTIL, 2 * HOUR, 2]])]);
    await repository.save([batchOf([[UTIL, HOUR, 1]])]);
    await repository.save([batchOf([[TEMP, 0, 30]])]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([
      [TEMP, 0, 30],
      [UTIL, 2 * HOUR, 2],
    ]);
  });

  test("repository.latest() returns the largest of several values at one time", async () => {
    await using bench = await open();
    const { repository } = bench;
    for (const value of [5, 9, 7]) await repository.save([batchOf([[UTIL, 0, value]])]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([[UTIL, 0, 9]]);
  });

  test("repository.latest() ignores a reading more than ten minutes ahead until its time", async () => {
    await using bench = await open();
    const { repository, clock } = bench;
    const latest = async () => rowsOf((await repository.latest([GPU])).get(GPU) ?? []);
    const MINUTE = 60_000;
    await repository.save([
      // One bucket on both sides of the present's end, then two buckets beyond it.
      batchOf([
        [UTIL, 0, 1],
        [TEMP, 0, 30],
        [UTIL, 10 * MINUTE, 2],
        [UTIL, 10 * MINUTE + 1, 3],
        [TEMP, 40 * MINUTE, 31],
      ]),
      batchOf([[UTIL, 5 * HOUR, 4]]),
      batchOf([[ENGINE_3, 23 * HOUR, 0.5]]),
    ]);
    expect(await latest()).toEqual([
      [TEMP, 0, 30],
      [UTIL, 10 * MINUTE, 2],
    ]);
    await clock.advance(1);
    expect(await latest()).toEqual([
      [TEMP, 0, 30],
      [UTIL, 10 * MINUTE + 1, 3],
    ]);
    await clock.advance(5 * HOUR);
    expect(await latest()).toEqual([
      [TEMP, 40 * MINUTE, 31],
      [UTIL, 5 * HOUR, 4],
    ]);
    await clock.advance(18 * HOUR);
    expect((await latest()).map(([series]) => series)).toEqual([TEMP, UTIL, ENGINE_3]);
  });

  test("repository.latest() finds the reading before one that is ahead, however old it is", async () => {
    await using bench = await open();
    const { repository } = bench;
    const rows = Array.from({ length: 60 }, (_, hour): Row => [UTIL, -hour * HOUR, hour]);
    await repository.save([batchOf(rows), batchOf([[TEMP, -50 * HOUR, 30]]), batchOf([[ENGINE_7, -1000, 0.5]])]);
    await repository.save([
      batchOf([
        [TEMP, 2 * HOUR, 99],
        [ENGINE_7, 20 * 60_000, 1],
        [ENGINE_3, 3 * HOUR, 1],
      ]),
    ]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([
      [TEMP, -50 * HOUR, 30],
      [UTIL, 0, 0],
      [ENGINE_7, -1000, 0.5],
    ]);
    expect(rowsOf((await repository.latest([GPU], { metrics: [TEMP] })).get(GPU) ?? [])).toEqual([
      [TEMP, -50 * HOUR, 30],
    ]);
  });

  test("repository.latest() finds the newest of readings that were all ahead, whatever their order of arrival", async () => {
    await using bench = await open();
    const { repository, clock } = bench;
    for (const hour of [5, 2]) await repository.save([batchOf([[UTIL, hour * HOUR, hour]])]);
    expect(await repository.latest([GPU])).toEqual(new Map([[GPU, []]]));
    await clock.advance(6 * HOUR);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([[UTIL, 5 * HOUR, 5]]);
  });

  test("repository.latest() finds the reading before a mark in an hour in which no series ends", async () => {
    await using bench = await open();
    const { repository, clock } = bench;
    await clock.advance(4 * HOUR);
    await repository.save([
      batchOf([[UTIL, 3 * HOUR, Number.NaN]]),
      batchOf([[UTIL, 2 * HOUR, 2]]),
      batchOf([
        [TEMP, 0, 30],
        [UTIL, 1000, 1],
      ]),
    ]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([
      [TEMP, 0, 30],
      [UTIL, 2 * HOUR, 2],
    ]);
  });

  test("repository.readings() returns readings that are ahead", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, 5 * HOUR, 4]])]);
    expect(await read(repository)).toEqual([[UTIL, 5 * HOUR, 4]]);
  });

  test("repository.latest() filters by metric, and returns an empty list for a GPU without readings", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [ENGINE_3, 0, 0.3],
        [ENGINE_7, 0, 0.7],
        [UTIL, 0, 10],
        [UTIL, 0, 20, factsOf(2)],
      ]),
    ]);
    const latest = await repository.latest([GPU, uuidOf(2), uuidOf(99)], {
      metrics: ["DCGM_FI_PROF_GR_ENGINE_ACTIVE"],
    });
    expect([...latest.keys()].sort()).toEqual([GPU, uuidOf(2), uuidOf(99)].sort());
    expect(rowsOf(latest.get(GPU) ?? [])).toEqual([
      [ENGINE_3, 0, 0.3],
      [ENGINE_7, 0, 0.7],
    ]);
    expect(latest.get(uuidOf(2))).toEqual([]);
    expect(latest.get(uuidOf(99))).toEqual([]);
  });

  test("repository.latest() answers for many GPUs in one call", async () => {
    await using bench = await open();
    const { repository } = bench;
    const numbers = Array.from({ length: 250 }, (_, index) => index);
    await repository.save([batchOf(numbers.map((number): Row => [UTIL, number, number, factsOf(number)]))]);
    const latest = await repository.latest(numbers.map(uuidOf));
    expect(numbers.map((number) => latest.get(uuidOf(number))?.[0]?.value)).toEqual(numbers);
  });
}
