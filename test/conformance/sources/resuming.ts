/** Conformance of places: a source cut anywhere gives the same rows, and continues where it was cut. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type OpenSource, type Place, type Sources, START } from "../../../services/sources/port.ts";
import { fleetRows } from "../../support/sources/memory-files.ts";
import {
  anyRows,
  eventsFrom,
  eventsOf,
  type OpenSources,
  open,
  readOn as readMore,
  recorder,
  untilEnd,
} from "./bench.ts";

/** Where reading continues after a stop. */
type Continuation = "same reader" | "new reader" | "opened again";

/** Reads in steps: `stops` are their lengths in readings; `how` says how each continues after the one before. */
async function eventsInSteps(sources: Sources, stops: readonly number[], how: readonly Continuation[]) {
  let step = 0;
  const target = recorder({ stopAfter: () => stops[step % stops.length] as number });
  let place: Place = START;
  const next = () => how[step++ % how.length] as Continuation;
  const readSource = async (source: OpenSource): Promise<"end" | Continuation> => {
    await using reader = await source.readFrom(place);
    for (;;) {
      const outcome = await readMore(reader, target);
      place = reader.place;
      if (outcome === "end") return "end";
      const continuation = next();
      if (continuation !== "same reader") return continuation;
    }
  };
  for (;;) {
    await using source = await open(sources, "a");
    let continuation: "end" | Continuation = "new reader";
    while (continuation === "new reader") continuation = await readSource(source);
    if (continuation === "end") return target.events;
  }
}

export function resumingConformance(openBench: OpenSources): void {
  test("a source cut anywhere gives the same rows, in the same reader, a new one or opened again", async () => {
    await using bench = await openBench();
    const stops = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
    const how = fc.array(fc.constantFrom<Continuation>("same reader", "new reader", "opened again"), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(anyRows, stops, how, async (rows, lengths, continuations) => {
        await bench.write("a", rows);
        expect(await eventsInSteps(bench.sources, lengths, continuations)).toEqual(eventsOf(rows));
      }),
      { numRuns: 60 },
    );
  });

  test("a place taken in one source means nothing to another", async () => {
    await using bench = await openBench();
    const [a, b] = [fleetRows({ gpus: 3, ticks: 4 }), fleetRows({ gpus: 5, ticks: 2 })];
    await bench.write("a", a);
    await bench.write("b", b);
    await using first = await open(bench.sources, "a");
    await using second = await open(bench.sources, "b");
    expect(first.continues(second.fingerprint)).toBe(false);
    expect(await eventsFrom(first, START)).toEqual(eventsOf(a));
    expect(await eventsFrom(second, START)).toEqual(eventsOf(b));
  });

  test("there is nothing to read from the end on", async () => {
    await using bench = await openBench();
    await bench.write("a", fleetRows({ gpus: 3, ticks: 4 }));
    await using source = await open(bench.sources, "a");
    await using reader = await source.readFrom(START);
    await reader.read(recorder(), untilEnd);
    const end = reader.place;
    expect(await eventsFrom(source, end)).toEqual([]);
    await using behind = await source.readFrom(end);
    expect(behind.place).toEqual(end);
  });
}
