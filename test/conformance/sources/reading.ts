/** Conformance of readers: order, stops, aborts, declined rows and measures of progress. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { START } from "../../../services/sources/port.ts";
import { fleetRows, hostOf, type MemoryRow } from "../../support/sources/memory-files.ts";
import { anyRows, eventsFrom, eventsOf, type OpenSources, open, recorder, untilEnd } from "./bench.ts";

const rows: MemoryRow[] = [
  ...fleetRows({ gpus: 6, ticks: 5 }),
  { skip: "fields" },
  ...fleetRows({ gpus: 2, ticks: 2 }),
];

export function readingConformance(openBench: OpenSources): void {
  test("read() hands over every row once, in order, as a reading or a skip with its line", async () => {
    await using bench = await openBench();
    await fc.assert(
      fc.asyncProperty(anyRows, async (any) => {
        await bench.write("a", any);
        await using source = await open(bench.sources, "a");
        expect(await eventsFrom(source, START)).toEqual(eventsOf(any));
      }),
      { numRuns: 40 },
    );
  });

  test("read() fails with invalid behind the last row of a source of which no row can be read", async () => {
    await using bench = await openBench();
    await bench.write("a", [{ skip: "fields" }, { skip: "fields" }]);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    const target = recorder();
    for (let call = 0; call < 2; call++) {
      await expect(reader.read(target, untilEnd)).rejects.toMatchObject({ name: "AppError", code: "invalid" });
    }
    expect(target.events).toEqual(["line 2 fields", "line 3 fields"]);
    await bench.append("a", fleetRows({ gpus: 1, ticks: 1, metrics: 1 }));
    await using grown = await open(bench.sources, "a");
    await using whole = await grown.readFrom(START);
    expect(await whole.read(recorder(), untilEnd)).toBe("end");
  });

  test("read() of skipped rows alone ends as usual if rows before them were read, or belong to declined slots", async () => {
    await using bench = await openBench();
    const [first] = fleetRows({ gpus: 1, ticks: 1, metrics: 1 }) as [MemoryRow];
    await bench.write("a", [first, { skip: "fields" }]);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    await reader.read(recorder({ stopAfter: () => 1 }), untilEnd);
    await using rest = await source.readFrom(reader.place);
    expect(await rest.read(recorder(), untilEnd)).toBe("end");
    await using declined = await source.readFrom(START);
    expect(await declined.read(recorder({ wants: () => false }), untilEnd)).toBe("end");
  });

  test("read() stops behind the reading at which the target says stop, and returns end at the end", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    const target = recorder({ stopAfter: () => 7 });
    for (let stops = 1; (await reader.read(target, untilEnd)) === "stopped"; stops++) {
      expect(target.events.filter((event) => !event.startsWith("line"))).toHaveLength(7 * stops);
    }
    expect(target.events).toEqual(eventsOf(rows));
    expect(await reader.read(target, untilEnd)).toBe("end");
    expect(target.events).toEqual(eventsOf(rows));
  });

  test("read() returns stopped for an aborted signal, and continues with another", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    const target = recorder();
    expect(await reader.read(target, { signal: AbortSignal.abort() })).toBe("stopped");
    expect(target.events).toEqual([]);
    expect(await reader.read(target, untilEnd)).toBe("end");
    expect(target.events).toEqual(eventsOf(rows));
  });

  test("read() hands over no readings of declined slots", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    const target = recorder({ wants: ({ host }) => host === hostOf(0) });
    await reader.read(target, untilEnd);
    const all = eventsOf(rows);
    expect(target.events).toEqual(
      all.filter((_, index) => {
        const row = rows[index] as MemoryRow;
        return "skip" in row || hostOf(row.gpu) === hostOf(0);
      }),
    );
  });

  test("place and bytesRead only grow, from the start to the size of the source", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    let { place, bytesRead } = reader;
    expect(place.line).toBe(2);
    const target = recorder({ stopAfter: () => 1 });
    let outcome = "stopped";
    while (outcome === "stopped") {
      outcome = await reader.read(target, untilEnd);
      if (outcome === "stopped") expect(reader.place.offset).toBeGreaterThan(place.offset);
      expect(reader.bytesRead).toBeGreaterThanOrEqual(bytesRead);
      ({ place, bytesRead } = reader);
    }
    expect(place.line).toBe(rows.length + 2);
    expect(bytesRead).toBe(source.bytes);
  });

  test("readers of one source are independent", async () => {
    await using bench = await openBench();
    await bench.write("a", rows);
    await using source = await open(bench.sources, "a");
    await using first = await source.readFrom(START);
    await using second = await source.readFrom(START);
    const targets = [recorder({ stopAfter: () => 3 }), recorder({ stopAfter: () => 5 })] as const;
    await Promise.all([first.read(targets[0], untilEnd), second.read(targets[1], untilEnd)]);
    await Promise.all([first.read(targets[0], untilEnd), second.read(targets[1], untilEnd)]);
    expect(targets.map(({ events }) => events)).toEqual([eventsOf(rows.slice(0, 6)), eventsOf(rows.slice(0, 10))]);
  });
}
