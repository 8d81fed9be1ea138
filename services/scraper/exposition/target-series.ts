/**
 * Turns the scrapes of one target into readings and stale marks. The text of a series is parsed once; later scrapes
 * look it up. Only series of the last scrape are remembered, so the limit of samples bounds memory.
 */
import type { RowFault, RowIdentity } from "../../../schema/dcgm/row.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import { describeImplausible, type MetricRange, rangeOf } from "../../../schema/model/metric-range.ts";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { shown } from "../../../schema/model/shown.ts";
import { type ExpositionFormat, readSamples } from "./sample-lines.ts";
import type { SeriesMeanings } from "./series-meanings.ts";
import { type SeriesRoom, SeriesRooms } from "./series-rooms.ts";

/** The readings of one scrape, as three lists of equal length. */
export interface Tick {
  /** Time of the scrape, ms since the epoch: that of every reading whose sample has no time of its own. */
  readonly at: number;
  readonly meanings: readonly RowIdentity[];
  readonly times: readonly number[];
  /** NaN: a stale mark. */
  readonly values: readonly number[];
  /** Samples of the body, those without a reading included; 0 for a failed scrape. */
  readonly samples: number;
  readonly skips: ReadonlyMap<SampleSkip, SkipCount>;
}

export type SampleSkip = RowFault["reason"] | "syntax" | "implausible" | "cardinality";

/** Bounds of a sample's own time, which are those of times in files. */
const FIRST_TIME = Date.UTC(2000);
const MAX_AHEAD_MS = 86_400_000;

export interface SkipCount {
  readonly count: number;
  /** The first of them, in words. */
  readonly detail: string;
}

interface Meaning extends RowIdentity {
  readonly range: MetricRange;
}

interface KnownSeries {
  readonly meaning: Result<Meaning, RowFault>;
  readonly room: SeriesRoom | undefined;
  /** Number of the scrape that had it last. */
  scrape: number;
  /** True if its sample had a time of its own: such a series gets no mark, because the target states its times. */
  hasOwnTime: boolean;
  /** True if its last sample had no place in its room, so that a mark has ended it already. */
  isRefused: boolean;
}

export interface ScrapedText {
  readonly at: number;
  readonly text: string;
  readonly format: ExpositionFormat;
}

export class TargetSeries {
  readonly #labels: ReadonlyMap<string, string>;
  readonly #meanings: SeriesMeanings;
  readonly #maxSamples: number;
  readonly #rooms: SeriesRooms;
  readonly #known = new Map<string, KnownSeries>();
  #scrape = 0;
  /** Series that no scrape before this one had. */
  #learned: string[] = [];

  constructor(
    labels: ReadonlyMap<string, string>,
    meanings: SeriesMeanings,
    { maxSamples, maxSeriesPerMetric }: { maxSamples: number; maxSeriesPerMetric: number },
  ) {
    this.#labels = labels;
    this.#meanings = meanings;
    this.#maxSamples = maxSamples;
    this.#rooms = new SeriesRooms(maxSeriesPerMetric);
  }

  /** Series of the last scrape. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * Returns the readings of a scrape, and a mark for each series that the scrape before had and this one lacks. An
   * error is a body that must not count at all; the caller then calls `fail()`.
   */
  take({ at, text, format }: ScrapedText): Result<Tick> {
    const tick = new TickBuilder(at);
    this.#scrape++;
    this.#learned = [];
    const isWhole = readSamples(text, format, {
      sample: (series, value, time, line) => {
        if (++tick.samples > this.#maxSamples) return;
        const known = this.#known.get(series) ?? this.#learn(series);
        known.scrape = this.#scrape;
        known.hasOwnTime = time !== undefined;
        const { meaning } = known;
        if (!meaning.ok) return tick.skip(meaning.error.reason, line, meaning.error.detail);
        const refusal = this.#rooms.refusal(known.room, meaning.value.series, this.#scrape);
        if (refusal !== undefined) {
          this.#mark(tick, known);
          known.isRefused = true;
          return tick.skip("cardinality", line, refusal);
        }
        known.isRefused = false;
        const number = parseDcgmValue(value);
        if (!number.ok) return tick.skip(number.error.reason, line, number.error.detail);
        const { range } = meaning.value;
        if (number.value < range.min || number.value > range.max) {
          return tick.skip("implausible", line, describeImplausible(range, number.value));
        }
        if (time !== undefined && (time < FIRST_TIME || time > at + MAX_AHEAD_MS)) {
          return tick.skip("time", line, `time must be between 2000-01-01 and one day ahead of the clock, got ${time}`);
        }
        tick.add(meaning.value, time ?? at, number.value);
      },
      malformed: (given, line) =>
        tick.skip("syntax", line, `line must be a sample such as name{label="value"} 42, got ${shown(given)}`),
    });
    if (tick.samples > this.#maxSamples) {
      return this.#refuse(
        `body must have at most ${this.#maxSamples} samples (SCRAPE_MAX_SAMPLES), got ${tick.samples}`,
      );
    }
    if (!isWhole) return this.#refuse("body must end with # EOF, as OpenMetrics does, got a body that was cut short");
    for (const [series, known] of this.#known) if (known.scrape !== this.#scrape) this.#end(tick, series, known);
    return ok(tick);
  }

  /** Returns a mark for each series of the last scrape: this scrape failed, or the target has been removed. */
  fail(at: number): Tick {
    const tick = new TickBuilder(at);
    for (const [series, known] of this.#known) this.#end(tick, series, known);
    return tick;
  }

  /** Forgets the series that only the refused body had: they have no readings that a mark could end. */
  #refuse(problem: string): Result<never> {
    for (const series of this.#learned) {
      const known = this.#known.get(series);
      if (known !== undefined) this.#forget(series, known);
    }
    return fail(problem);
  }

  #end(tick: TickBuilder, series: string, known: KnownSeries): void {
    this.#mark(tick, known);
    this.#forget(series, known);
  }

  #mark(tick: TickBuilder, { meaning, hasOwnTime, isRefused }: KnownSeries): void {
    if (meaning.ok && !hasOwnTime && !isRefused) tick.add(meaning.value, tick.at, Number.NaN);
  }

  #forget(series: string, { room }: KnownSeries): void {
    this.#rooms.leave(room);
    this.#known.delete(series);
  }

  #learn(series: string): KnownSeries {
    const named = this.#meanings.of(series, this.#labels);
    const meaning = named.ok ? ok({ ...named.value, range: rangeOf(metricOf(named.value.series)) }) : named;
    const room = named.ok ? this.#rooms.enter(named.value) : undefined;
    // Refused until it has a reading that a mark could end.
    const known = { meaning, room, scrape: 0, hasOwnTime: false, isRefused: true };
    // A part of a text keeps the whole text in memory; a copy does not.
    const copy = Buffer.from(series).toString();
    this.#known.set(copy, known);
    this.#learned.push(copy);
    return known;
  }
}

class TickBuilder implements Tick {
  readonly at: number;
  readonly meanings: RowIdentity[] = [];
  readonly times: number[] = [];
  readonly values: number[] = [];
  readonly skips = new Map<SampleSkip, { count: number; detail: string }>();
  samples = 0;

  constructor(at: number) {
    this.at = at;
  }

  add(meaning: RowIdentity, at: number, value: number): void {
    this.meanings.push(meaning);
    this.times.push(at);
    this.values.push(value);
  }

  skip(reason: SampleSkip, line: number, detail: string): void {
    const known = this.skips.get(reason);
    if (known === undefined) this.skips.set(reason, { count: 1, detail: `line ${line}: ${detail}` });
    else known.count++;
  }
}
