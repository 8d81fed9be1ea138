/** Retention: readings that are too old on arrival, and expiry. */
import { expect, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { heldIn, nameOf } from "../../support/repository/held-in.ts";
import {
  batchOf,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type OpenRepository,
  type Row,
  read,
  rowsOf,
  START,
  TEMP,
  UTIL,
} from "./bench.ts";

/** Calls `expire` until it returns 0. */
async function expireAll(repository: Repository, before: number): Promise<{ dropped: number; calls: number }> {
  let dropped = 0;
  for (let calls = 1; ; calls++) {
    const count = await repository.expire(before);
    dropped += count;
    if (count === 0) return { dropped, calls };
  }
}

export function retentionConformance(open: OpenRepository): void {
  test("repository.save() drops blocks that end before the retention, and counts their readings", async () => {
    await using bench = await open({ retentionMs: 2 * HOUR });
    const { repository } = bench;
    const hours = [-4, -3, -2, -1];
    const outcome = await repository.save([
      batchOf(hours.flatMap((hour): Row[] => [[UTIL, hour * HOUR, hour] as const, [TEMP, hour * HOUR, 30] as const])),
    ]);
    expect(outcome).toEqual({ buckets: 2, duplicateBuckets: 0, readings: 4, duplicateReadings: 0, tooOld: 4 });
    expect((await read(repository, { metrics: [UTIL] })).map(([, at]) => at / HOUR)).toEqual([-1, -2]);
  });

  test("repository.save() measures age by the clock, and keeps a block that is only partly too old", async () => {
    await using bench = await open({ retentionMs: 2 * HOUR });
    await bench.clock.advance(HOUR / 2);
    const outcome = await bench.repository.save([
      batchOf([
        [UTIL, -1.6 * HOUR, 1],
        [UTIL, -1.4 * HOUR, 2],
        [UTIL, -2.1 * HOUR, 3],
      ]),
    ]);
    expect(outcome).toMatchObject({ buckets: 1, readings: 2, tooOld: 1 });
    await bench.clock.advance(HOUR);
    expect(await bench.repository.save([batchOf([[TEMP, -HOUR / 2 - 1, 2]])])).toMatchObject({ buckets: 0, tooOld: 1 });
    expect(await bench.repository.save([batchOf([[TEMP, -HOUR / 2, 2]])])).toMatchObject({ buckets: 1, tooOld: 0 });
  });

  test("repository.save() learns nothing about a GPU from dropped readings", async () => {
    await using bench = await open({ retentionMs: HOUR });
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, -2 * HOUR, 1, factsOf(1, heldBy("a"))]])]);
    expect((await repository.gpus({ limit: 1 })).total).toBe(0);
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([]);
  });

  test("repository.save() keeps readings of any age without retention", async () => {
    await using bench = await open();
    expect(await bench.repository.save([batchOf([[UTIL, -200_000 * HOUR, 1]])])).toMatchObject({
      tooOld: 0,
      buckets: 1,
    });
  });

  test("repository.expire() drops the buckets that end before the time, in bounded steps", async () => {
    await using bench = await open();
    const { repository } = bench;
    const rows = Array.from({ length: 50 }, (_, gpu) =>
      Array.from({ length: 60 }, (_, hour): Row => [UTIL, hour * HOUR, hour, factsOf(gpu)]),
    ).flat();
    await bench.clock.advance(60 * HOUR);
    await repository.save([batchOf(rows)]);
    const { dropped, calls } = await expireAll(repository, START + 40 * HOUR);
    expect(dropped).toBe(50 * 40);
    expect(calls).toBeGreaterThan(2);
    expect((await read(repository, { order: "oldest" })).map(([, at]) => at / HOUR)).toEqual(
      Array.from({ length: 20 }, (_, hour) => 40 + hour),
    );
    expect(await repository.expire(START + 40 * HOUR)).toBe(0);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([[UTIL, 59 * HOUR, 59]]);
  });

  test("repository.expire() keeps a bucket whose last reading is not older, and all holds", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(2 * HOUR);
    await repository.save([
      batchOf([
        [UTIL, 0, 1, factsOf(1, heldBy("a"))],
        [UTIL, HOUR, 2, factsOf(1, heldBy("b"))],
        [UTIL, HOUR + 1000, 3, factsOf(1, heldBy("b"))],
      ]),
    ]);
    expect(await expireAll(repository, START + HOUR + 1000)).toMatchObject({ dropped: 1 });
    expect(await read(repository)).toHaveLength(2);
    expect((await heldIn(repository, GPU, ALL_TIME)).map(nameOf)).toEqual(["a", "b"]);
    expect(await expireAll(repository, START + HOUR + 1001)).toMatchObject({ dropped: 1 });
    expect(await read(repository)).toEqual([]);
    expect((await repository.latest([GPU])).get(GPU)).toEqual([]);
    expect((await repository.gpusByUuid([GPU])).map(({ lastSeen }) => lastSeen)).toEqual([START + HOUR + 1000]);
  });

  test("repository.save() stores expired readings again when they are within the retention", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, 0, 1]])]);
    await expireAll(repository, START + HOUR);
    expect(await repository.save([batchOf([[UTIL, 0, 1]])])).toMatchObject({ buckets: 1 });
    expect(await read(repository)).toEqual([[UTIL, 0, 1]]);
    expect(rowsOf((await repository.latest([GPU])).get(GPU) ?? [])).toEqual([[UTIL, 0, 1]]);
  });
}
