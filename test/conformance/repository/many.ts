/** Calls for many GPUs: the same answers as for each alone, within a common bound. */
import { expect, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { batchOf, factsOf, heldBy, type OpenRepository, type Row, TEMP, UTIL, uuidOf, windowOf } from "./bench.ts";

/** More than a store reads in one slice. */
const GPUS = 60;
const numbers = Array.from({ length: GPUS }, (_, number) => number);
/** GPU `n` has `n % 4` readings of each of two series, and another holder at each time. */
const rows = numbers.flatMap((number) =>
  Array.from({ length: number % 4 }, (_, tick): Row[] => {
    const facts = factsOf(number, heldBy(`pod-${number}-${tick}`));
    return [
      [UTIL, tick * 1000, number, facts],
      [TEMP, tick * 1000, number + 0.5, facts],
    ];
  }).flat(),
);
const readingsOf = (number: number): number => 2 * (number % 4);

export function manyConformance(open: OpenRepository): void {
  test("repository.pages() returns the same page as readings() for each GPU, in the order asked, each once", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf(rows)]);
    const gpus = [...numbers.toReversed(), 999, 7].map(uuidOf);
    for (const [window, query] of [
      [ALL_TIME, { limit: 3 }],
      [windowOf(1000, 2000), { limit: 100, order: "oldest", metrics: [TEMP] }],
    ] as const) {
      const pages = await repository.pages(gpus, window, { ...query, max: 10_000 });
      expect([...pages.keys()]).toEqual(gpus.slice(0, -1));
      for (const [gpu, page] of pages) expect(page).toEqual(await repository.readings(gpu, window, query));
    }
    const [after] = (await repository.readings(uuidOf(7), ALL_TIME, { limit: 2 })).readings;
    const next = { at: after?.at ?? 0, series: after?.series ?? UTIL };
    const later = await repository.pages([uuidOf(7)], ALL_TIME, { limit: 10, after: next, max: 10 });
    expect(later.get(uuidOf(7))?.readings).toHaveLength(5);
  });

  test("repository.pages() ends before the first page that exceeds its bound", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf(rows)]);
    const gpus = numbers.map(uuidOf);
    const all = numbers.reduce((sum, number) => sum + readingsOf(number), 0);
    const pagesWithin = async (max: number) => (await repository.pages(gpus, ALL_TIME, { limit: 100, max })).size;
    expect(await pagesWithin(all)).toBe(GPUS);
    expect(await pagesWithin(all - 1)).toBe(GPUS - 1);
    // GPU 0 has no readings, so its page fits into any bound.
    expect([await pagesWithin(0), await pagesWithin(1), await pagesWithin(2), await pagesWithin(12)]).toEqual([
      1, 1, 2, 5,
    ]);
  });

  test("repository.pages() rejects when the caller aborts", async () => {
    await using bench = await open();
    const signal = AbortSignal.abort();
    const gpus = numbers.map(uuidOf);
    await expect(bench.repository.pages(gpus, ALL_TIME, { limit: 1, max: 10, signal })).rejects.toThrow();
  });
}
