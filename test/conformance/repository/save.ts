/** Saving: each reading once, and the counts of the outcome. */
import { expect, test } from "bun:test";
import { heldIn } from "../../support/repository/held-in.ts";
import { batchOf, factsOf, GPU, type OpenRepository, type Row, read, START, TEMP, UTIL, uuidOf } from "./bench.ts";

const ROWS: readonly Row[] = [
  [UTIL, 0, 10],
  [UTIL, 1000, 11],
  [TEMP, 0, 30.5],
  [UTIL, 0, 90, factsOf(2)],
];

export function saveConformance(open: OpenRepository): void {
  test("repository.save() of many new GPUs reads each sighting a few times", async () => {
    await using bench = await open();
    const gpus = 1000;
    const batch = batchOf(Array.from({ length: gpus }, (_, gpu) => [UTIL, 0, gpu, factsOf(gpu)] as const));
    let reads = 0;
    const sightings = batch.sightings.map(({ facts, from, to }) => ({
      from,
      to,
      get facts() {
        reads++;
        return facts;
      },
    }));
    expect(await bench.repository.save([{ ...batch, sightings }])).toMatchObject({ buckets: gpus });
    expect(reads).toBeLessThan(20 * gpus);
  });

  test("repository.save() stores every reading, and counts buckets and readings", async () => {
    await using bench = await open();
    expect(await bench.repository.save([batchOf(ROWS)])).toEqual({
      buckets: 2,
      duplicateBuckets: 0,
      readings: 4,
      duplicateReadings: 0,
      tooOld: 0,
    });
    expect(await read(bench.repository)).toEqual([
      [UTIL, 1000, 11],
      [TEMP, 0, 30.5],
      [UTIL, 0, 10],
    ]);
    expect(await read(bench.repository, { gpu: uuidOf(2) })).toEqual([[UTIL, 0, 90]]);
  });

  test("repository.save() of a stored batch changes nothing and succeeds", async () => {
    await using bench = await open();
    const { repository } = bench;
    const all = async () => [
      await read(repository),
      await repository.gpus({ limit: 10 }),
      await heldIn(repository, GPU, { from: 0, to: Number.POSITIVE_INFINITY }),
      await repository.latest([GPU, uuidOf(2)]),
    ];
    await repository.save([batchOf(ROWS)]);
    const before = await all();
    const again = { buckets: 0, duplicateBuckets: 2, readings: 0, duplicateReadings: 4, tooOld: 0 };
    expect(await repository.save([batchOf(ROWS)])).toEqual(again);
    expect(await repository.save([batchOf(ROWS, { producer: "other@0/1", epoch: 9, seq: 7 })])).toEqual(again);
    expect(await all()).toEqual(before);
  });

  test("repository.save() counts the second copy of a batch in one call as a duplicate", async () => {
    await using bench = await open();
    expect(await bench.repository.save([batchOf(ROWS), batchOf(ROWS)])).toMatchObject({
      buckets: 2,
      duplicateBuckets: 2,
      readings: 4,
      duplicateReadings: 4,
    });
  });

  test("repository.save() keeps values to the last bit", async () => {
    await using bench = await open();
    const values = [0.1 + 0.2, -0.5, 5e-324, Number.MAX_VALUE, 2 ** 53 + 2, 1e-9, 123456.789];
    await bench.repository.save([batchOf(values.map((value, tick) => [UTIL, tick * 1000, value]))]);
    expect((await read(bench.repository, { order: "oldest" })).map(([, , value]) => value)).toEqual(values);
  });

  test("repository.save() rejects a call with a block without a sighting, and stores nothing of it", async () => {
    await using bench = await open();
    const { repository } = bench;
    const good = batchOf(ROWS);
    const bad = { ...batchOf([[UTIL, 5000, 1, factsOf(3)]]), sightings: [] };
    const position = { producer: "csv@0/1", epoch: 1, seq: 2, position: "after" };
    const saved = repository.save([good, bad], { positions: [position] });
    expect(await saved.catch(({ code, message }) => `${code}: ${message}`)).toStartWith("invalid: Cannot save batch");
    expect(await read(repository)).toEqual([]);
    expect(await repository.position("csv@0/1")).toBeNull();
    expect(await repository.save([good])).toMatchObject({ buckets: 2 });
    expect((await repository.gpus({ limit: 10 })).total).toBe(2);
  });

  test("repository.save() stores nothing when it is aborted before it begins", async () => {
    await using bench = await open();
    const saved = bench.repository.save([batchOf(ROWS)], { signal: AbortSignal.abort() });
    expect(await saved.catch(({ name }) => name)).toBe("AbortError");
    expect(await read(bench.repository)).toEqual([]);
  });

  test("repository answers ping(), and is empty before the first save", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.ping();
    expect(await repository.readings(GPU, { from: START, to: START + 1000 }, { limit: 10 })).toEqual({
      readings: [],
      next: null,
    });
    expect(await repository.latest([GPU])).toEqual(new Map([[GPU, []]]));
    expect(await repository.gpus({ limit: 10 })).toEqual({ gpus: [], total: 0, next: null });
    expect(await repository.gpusByUuid([GPU])).toEqual([]);
    expect(await repository.hosts()).toEqual([]);
    expect(await heldIn(repository, GPU, { from: 0, to: START })).toEqual([]);
    expect(await repository.position("csv@0/1")).toBeNull();
    expect(await repository.expire(START)).toBe(0);
    expect(await repository.save([])).toMatchObject({ buckets: 0, readings: 0 });
  });
}
