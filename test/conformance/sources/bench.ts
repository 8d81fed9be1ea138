/** The interface between the suite and an implementation, and the rows that readers must hand over. */
import fc from "fast-check";
import { isAppError } from "../../../schema/model/errors.ts";
import type { GpuFacts } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { FoundSource, OpenSource, Place, RowReader, RowTarget, Sources } from "../../../services/sources/port.ts";
import { factsOf, type MemoryRow } from "../../support/sources/memory-files.ts";

export interface SourcesBench extends AsyncDisposable {
  readonly sources: Sources;
  /** Creates a source of these rows, or replaces the content of the one of this name. */
  write(name: string, rows: readonly MemoryRow[]): Promise<void>;
  /** Appends rows to the content of a source. */
  append(name: string, rows: readonly MemoryRow[]): Promise<void>;
  /** Creates a source in an unknown format. */
  spoil(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export type OpenSources = () => Promise<SourcesBench>;

/** One row as a reader handed it over. */
export type Event = string;

const readingEvent = (facts: GpuFacts, series: string, at: number, value: number): Event =>
  `${series} ${at} ${value} ${JSON.stringify(facts, Object.keys(facts).sort())}`;

/** @param firstLine of the first of the rows */
export const eventsOf = (rows: readonly MemoryRow[], firstLine = 2): Event[] =>
  rows.map((row, index) =>
    "skip" in row
      ? `line ${firstLine + index} ${row.skip}`
      : readingEvent(factsOf(row.gpu), row.metric, row.at, row.value),
  );

export interface Recorder extends RowTarget {
  readonly events: Event[];
}

/**
 * A target that records what it is given.
 * @param options.stopAfter called for the number of readings until the next stop
 * @param options.wants false declines the GPU
 */
export function recorder({
  stopAfter = () => Number.POSITIVE_INFINITY,
  wants = () => true,
}: {
  stopAfter?: () => number;
  wants?: (facts: GpuFacts) => boolean;
} = {}): Recorder {
  const slots: { facts: GpuFacts; series: Series }[] = [];
  const events: Event[] = [];
  let left = stopAfter();
  return {
    events,
    slot: (facts, series) => (wants(facts) ? slots.push({ facts, series }) - 1 : -1),
    add(slot, at, value) {
      const { facts, series } = slots[slot] as (typeof slots)[number];
      events.push(readingEvent(facts, series, at, value));
      if (--left > 0) return false;
      left = stopAfter();
      return true;
    },
    skip(reason, line, detail) {
      if (detail() === "") throw new Error("A skip must have a detail");
      events.push(`line ${line} ${reason}`);
    },
    ignored() {},
  };
}

export const untilEnd = { signal: new AbortController().signal };

/** The source that the bench has written under this name: the last part of its name, without extensions. */
export async function find(sources: Sources, name: string): Promise<FoundSource> {
  const found = (await sources.find()).find((source) => source.name.split("/").at(-1)?.split(".")[0] === name);
  if (found === undefined) throw new Error(`${name} is not found`);
  return found;
}

export const open = async (sources: Sources, name: string): Promise<OpenSource> =>
  sources.open(await find(sources, name));

/** Reads on until a stop or the end. A source of which no row can be read fails at its end: that counts as the end. */
export async function readOn(reader: RowReader, target: Recorder): Promise<"stopped" | "end"> {
  try {
    return await reader.read(target, untilEnd);
  } catch (error) {
    const { events } = target;
    if (!isAppError(error, "invalid") || !isUnreadable(events)) throw error;
    return "end";
  }
}

/** True for the events of a source that has rows of which none can be read. */
const isUnreadable = (events: readonly Event[]): boolean =>
  events.length > 0 && events.every((event) => event.startsWith("line"));

/** All rows from a place on, through a reader of its own. */
export async function eventsFrom(source: OpenSource, place: Place): Promise<Event[]> {
  await using reader = await source.readFrom(place);
  const target = recorder();
  await readOn(reader, target);
  return target.events;
}

const START = Date.UTC(2025, 6, 18, 20, 42, 34);

const reading: fc.Arbitrary<MemoryRow> = fc.record({
  gpu: fc.integer({ min: 1, max: 4 }),
  metric: fc.constantFrom("DCGM_FI_DEV_A", "DCGM_FI_DEV_B"),
  at: fc.integer({ min: 0, max: 6 }).map((second) => START + second * 1000),
  value: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(0.5, 1e-7, 123456.789)),
  pod: fc.constantFrom("", "train-1"),
});

/** In any order of time, with duplicates and skipped rows. */
export const anyRows: fc.Arbitrary<MemoryRow[]> = fc.array(
  fc.oneof({ weight: 9, arbitrary: reading }, { weight: 1, arbitrary: fc.constant<MemoryRow>({ skip: "fields" }) }),
  { maxLength: 40 },
);
