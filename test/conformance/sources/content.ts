/** Conformance of contents: fingerprints, growth, and a source that is replaced while it is open. */
import { expect, test } from "bun:test";
import { START } from "../../../services/sources/port.ts";
import { fleetRows, type MemoryRow } from "../../support/sources/memory-files.ts";
import { eventsFrom, eventsOf, find, type OpenSources, open, recorder, untilEnd } from "./bench.ts";

const rows = fleetRows({ gpus: 6, ticks: 10 });
const others: MemoryRow[] = [{ skip: "fields" }, ...fleetRows({ gpus: 3, ticks: 40, metrics: 3 })];

export function contentConformance(openBench: OpenSources): void {
  test("a source opened again has the same fingerprint, and continues it", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using first = await open(bench.sources, "a");
    await using second = await open(bench.sources, "a");
    expect(second.fingerprint).toEqual(first.fingerprint);
    expect(first.fingerprint).toEqual({ head: expect.stringMatching(/^[0-9a-f]{32}$/), length: expect.any(Number) });
    expect(second.continues(first.fingerprint)).toBe(true);
    expect(second.continues({ ...first.fingerprint, length: 0 })).toBe(false);
  });

  test("other content does not continue the fingerprint, nor does content that was cut back", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using before = await open(bench.sources, "a");
    for (const content of [others, rows.slice(0, 20)]) {
      await bench.write("a", content);
      await using after = await open(bench.sources, "a");
      expect(after.continues(before.fingerprint)).toBe(false);
    }
  });

  test("a source that grew continues its fingerprint, and its rows from the old end are the new ones", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using before = await open(bench.sources, "a");
    await using reader = await before.readFrom(START);
    await reader.read(recorder(), untilEnd);
    await bench.append("a", others);
    await using after = await open(bench.sources, "a");
    expect(after.bytes).toBeGreaterThan(before.bytes);
    expect(after.continues(before.fingerprint)).toBe(true);
    expect(await eventsFrom(after, reader.place)).toEqual(eventsOf(others, rows.length + 2));
  });

  test("rows appended to an open source are read", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await bench.append("a", others);
    expect(await eventsFrom(source, START)).toEqual(eventsOf([...rows, ...others]));
  });

  test("an open source keeps its content when another takes its name", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    const { fingerprint } = source;
    await using reader = await source.readFrom(START);
    const target = recorder({ stopAfter: () => 5 });
    await reader.read(target, untilEnd);
    await bench.write("a", others);
    while ((await reader.read(target, untilEnd)) === "stopped");
    expect(target.events).toEqual(eventsOf(rows));
    expect(await eventsFrom(source, START)).toEqual(eventsOf(rows));
    expect(source.fingerprint).toEqual(fingerprint);
    expect(source.continues(fingerprint)).toBe(true);
  });

  test("a source replaced between find() and open() is opened with the new content", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    const found = await find(bench.sources, "a");
    await bench.write("a", others);
    await using source = await bench.sources.open(found);
    expect(await eventsFrom(source, START)).toEqual(eventsOf(others));
  });
}
