/** Pages of readings, also while new ones arrive. */
import { expect, test } from "bun:test";
import { batchOf, HOUR, type OpenRepository, type Row, read, readPages, TEMP, UTIL, windowOf } from "./bench.ts";

const rows = (ticks: number, stepMs: number): Row[] =>
  Array.from({ length: ticks }, (_, tick): Row[] => [
    [UTIL, tick * stepMs, tick],
    [TEMP, tick * stepMs, -tick],
  ]).flat();

export function pagingConformance(open: OpenRepository): void {
  for (const order of ["newest", "oldest"] as const) {
    test(`repository.readings() pages ${order} first: full pages, each reading once, null at the end`, async () => {
      await using bench = await open();
      const { repository } = bench;
      for (let part = 0; part < 4; part++) {
        await repository.save([batchOf(rows(20, 300_000).filter((_, index) => index % 4 === part))]);
      }
      const whole = await read(repository, { order });
      expect(whole).toHaveLength(40);
      for (const limit of [1, 3, 7, 39, 40, 41]) {
        const pages = await readPages(repository, { limit, order });
        expect(pages.flat()).toEqual(whole);
        expect(pages.map((page) => page.length)).toEqual(
          Array.from({ length: Math.ceil(40 / limit) }, (_, page) => Math.min(limit, 40 - page * limit)),
        );
      }
    });
  }

  test("repository.readings() pages within a window and one metric", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf(rows(100, 60_000))]);
    const query = { window: windowOf(HOUR / 2, HOUR + 1), metrics: [TEMP as string] };
    const pages = await readPages(repository, { ...query, limit: 10 });
    expect(pages.flat()).toEqual(await read(repository, query));
    expect(pages.flat()).toHaveLength(31);
  });

  for (const order of ["newest", "oldest"] as const) {
    test(`repository.readings() returns each old reading once, ${order} first, while new ones arrive at all times`, async () => {
      await using bench = await open();
      const { repository } = bench;
      await repository.save([batchOf(rows(30, 200_000))]);
      const before = await read(repository, { order });
      // Newer and older times, new series before and after the others at the same times, and larger values.
      const pages = await readPages(repository, { limit: 4, order }, (page) =>
        repository.save([
          batchOf([
            [UTIL, 30 * 200_000 + page, 1],
            [UTIL, -page * 1000, 2],
            ["A" as Row[0], page * 200_000, 3],
            ["Z" as Row[0], page * 200_000, 4],
            [UTIL, page * 100_000 + 50, 5],
          ]),
        ]),
      );
      const known = new Set(before.map(([series, at]) => `${series} ${at}`));
      expect(pages.flat().filter(([series, at]) => known.has(`${series} ${at}`))).toEqual(before);
      const keys = pages.flat().map(([series, at]) => `${series} ${at}`);
      expect(new Set(keys).size).toBe(keys.length);
    });
  }

  test("repository.readings() continues after a cursor that is not a stored reading", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf(rows(4, 1000))]);
    const [, at] = (await read(repository, { limit: 3 }))[2] as [string, number, number];
    const after = { at: at + windowOf(0, 0).from, series: "DCGM_FI_DEV_GPU_TEMP_X" as Row[0] };
    expect((await read(repository, { after }))[0]).toEqual([UTIL, 2000, 2]);
    expect((await read(repository, { after, order: "oldest" }))[0]).toEqual([UTIL, 2000, 2]);
    const beyond = { at: windowOf(9000, 0).from, series: UTIL };
    expect(await read(repository, { after: beyond, order: "oldest" })).toEqual([]);
    expect(await read(repository, { after: beyond })).toHaveLength(8);
  });
}
