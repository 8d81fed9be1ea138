/** Reads Prometheus' text format and OpenMetrics: what `curl node:9400/metrics` prints, and `promtool tsdb dump`. */
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { Place, RowTarget } from "../port.ts";
import { declined, deliverReading, isWhole, type RowForms } from "../rows/row-delivery.ts";
import type { SeriesSlots } from "../rows/series-slots.ts";
import type { LineHandler, TextLine } from "../rows/text-lines.ts";

interface Sample {
  /** The series as it is written. */
  readonly key: string;
  readonly value: string;
  /** Undefined: the sample has no time of its own. */
  readonly time: string | undefined;
}

/** Value and time after the series. */
const TAIL = /^[ \t]+(\S+)(?:[ \t]+(-?[\d.]+(?:[eE][+-]?\d+)?))?[ \t]*$/;
const EXEMPLAR = " # {";
const BARE = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;

/** Returns the parts of a line; undefined for a line that is no sample. A label's value may hold a brace. */
export function parseSample(line: string): Sample | undefined {
  const exemplar = line.lastIndexOf(EXEMPLAR);
  for (const text of exemplar === -1 ? [line] : [line.slice(0, exemplar), line]) {
    const brace = text.lastIndexOf("}");
    const end = brace === -1 ? (BARE.exec(text)?.[0].length ?? 0) : brace + 1;
    const [, value, time] = TAIL.exec(text.slice(end)) ?? [];
    if (end > 0 && value !== undefined) return { key: text.slice(0, end), value, time };
  }
  return undefined;
}

/** The first sample without a time: if it comes again, another scrape begins. */
export interface FirstSample {
  readonly key: string;
  readonly offset: number;
}

export interface ExpositionOptions {
  readonly forms: RowForms;
  readonly slots: SeriesSlots;
  /** Time of samples without one: when the file was written. */
  readonly writtenAt: number;
  readonly first: FirstSample | undefined;
  readonly from: Place;
}

const NO_TIME =
  "sample must have a time of its own after the file's first scrape, got none; keep each scrape in a file of its own";

export class Exposition implements LineHandler {
  readonly #options: ExpositionOptions;
  readonly taken = 0;
  /** Where the second scrape begins, whose samples have no known time. */
  #secondScrape: number | undefined;

  constructor(options: ExpositionOptions) {
    this.#options = options;
    this.#secondScrape = options.from.section;
  }

  get context(): Pick<Place, "section"> {
    return this.#secondScrape === undefined ? {} : { section: this.#secondScrape };
  }

  handle(target: RowTarget, { text, line, offset }: TextLine, _taken: number, lastTime: number): boolean {
    if (text === "" || text.startsWith("#")) return false;
    const { forms, slots, writtenAt, first } = this.#options;
    const sample = parseSample(text);
    if (sample === undefined) {
      target.skip("syntax", line, () => `line must be a sample such as name{label="value"} 42, got ${shown(text)}`);
      return false;
    }
    const { key, value, time } = sample;
    if (time === undefined && key === first?.key && offset > first.offset) this.#secondScrape ??= offset;
    const slot = slots.get(key) ?? this.#learn(target, key);
    const bounds = { ...forms, lastTime };
    if (typeof slot !== "number") target.skip(slot.reason, line, () => slot.detail);
    else if (slot < 0) declined(time ?? "", bounds);
    else if (time === undefined && this.#secondScrape !== undefined) target.skip("time", line, () => NO_TIME);
    else return deliverReading(target, slot, { time: time ?? String(writtenAt), value }, line, bounds);
    return false;
  }

  #learn(target: RowTarget, key: string): number | RowFault {
    const { slots } = this.#options;
    const series = parseSeriesText(key);
    if (!series.ok) return slots.refuse(key, { reason: "labels", detail: series.error });
    return slots.learn(target, key, series.value.metric ?? "", series.value.labels);
  }

  isWhole(text: string, lastTime: number): boolean {
    const sample = parseSample(text);
    if (sample === undefined) return text.startsWith("#");
    const time = sample.time ?? String(this.#options.writtenAt);
    return isWhole({ time, value: sample.value }, { ...this.#options.forms, lastTime });
  }
}
