/** Conformance of `find()` and `open()`. */
import { expect, test } from "bun:test";
import { fleetRows } from "../../support/sources/memory-files.ts";
import { find, type OpenSources, open } from "./bench.ts";

const rows = fleetRows({ gpus: 2, ticks: 3 });

export function findingConformance(openBench: OpenSources): void {
  test("find() returns each source once, in the same order, with the same id every time", async () => {
    await using bench = await openBench();
    for (const name of ["b", "a", "c"]) await bench.write(name, rows);
    const found = await bench.sources.find();
    expect(found).toHaveLength(3);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(found.map(({ name }) => name)).toEqual(found.map(({ name }) => name).sort());
    for (const { bytes } of found) expect(bytes).toBeGreaterThan(0);
    expect(await bench.sources.find()).toEqual(found);
  });

  test("find() sees new and removed sources", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await bench.write("b", rows);
    const { id } = await find(bench.sources, "b");
    await bench.remove("a");
    expect((await bench.sources.find()).map((source) => source.id)).toEqual([id]);
  });

  test("find() without any source throws an AppError that names where it looked", async () => {
    await using bench = await openBench();
    const error = await bench.sources.find().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "AppError", code: expect.stringMatching(/^(not_found|invalid)$/) });
    expect((error as Error).message).toContain(bench.sources.where[0] as string);
  });

  test("open() throws not_found for a source removed since it was found", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    const found = await find(bench.sources, "a");
    await bench.remove("a");
    await expect(bench.sources.open(found)).rejects.toMatchObject({ name: "AppError", code: "not_found" });
  });

  test("open() throws invalid for a source in another format", async () => {
    await using bench = await openBench();
    await bench.spoil("a");
    await expect(open(bench.sources, "a")).rejects.toMatchObject({ name: "AppError", code: "invalid" });
  });
}
