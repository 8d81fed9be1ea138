/** Reads what `promtool query instant` and `promtool query range` print. */
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { Place, RowTarget } from "../port.ts";
import { declined, deliverReading, isWhole, type RowForms } from "../rows/row-delivery.ts";
import type { SeriesSlots } from "../rows/series-slots.ts";
import type { LineHandler, TextLine } from "../rows/text-lines.ts";

const SERIES_OF_SAMPLES = /^(.*\S) =>$/;
const SAMPLE = /^(?:(.*\S) => )?(\S+) @\[(-?[\d.]+)\]$/;

/** True for a line with which the output of promtool may begin. */
export const isPromtoolLine = (text: string): boolean =>
  SERIES_OF_SAMPLES.test(text) || (SAMPLE.exec(text)?.[1] ?? "") !== "";

/** Returns the series that the lines after this one are of, undefined if it is no such line. */
export const seriesOfLine = (text: string): string | undefined => SERIES_OF_SAMPLES.exec(text)?.[1];

export interface PromtoolOptions {
  readonly forms: RowForms;
  readonly slots: SeriesSlots;
  /** The series that samples are of where reading starts; where its line begins. */
  readonly series: { readonly key: string; readonly offset: number } | undefined;
}

export class PromtoolText implements LineHandler {
  readonly #options: PromtoolOptions;
  readonly taken = 0;
  #series: { readonly key: string; readonly offset: number } | undefined;

  constructor(options: PromtoolOptions) {
    this.#options = options;
    this.#series = options.series;
  }

  get context(): Pick<Place, "section"> {
    return this.#series === undefined ? {} : { section: this.#series.offset };
  }

  handle(target: RowTarget, { text, line, offset }: TextLine, _taken: number, lastTime: number): boolean {
    const opened = seriesOfLine(text);
    if (opened !== undefined) {
      this.#series = { key: opened, offset };
      return false;
    }
    if (text === "") return false;
    const [, own, value = "", time = ""] = SAMPLE.exec(text) ?? [];
    if (own !== undefined) this.#series = undefined;
    const key = own ?? this.#series?.key;
    if (value === "" || key === undefined) {
      target.skip("syntax", line, () => `line must be a sample such as 42 @[1752871354], got ${shown(text)}`);
      return false;
    }
    const { slots, forms } = this.#options;
    const bounds = { ...forms, lastTime };
    const slot = slots.get(key) ?? this.#learn(target, key);
    if (typeof slot !== "number") target.skip(slot.reason, line, () => slot.detail);
    else if (slot < 0) declined(time, bounds);
    else return deliverReading(target, slot, { time, value }, line, bounds);
    return false;
  }

  #learn(target: RowTarget, key: string): number | RowFault {
    const { slots } = this.#options;
    const series = parseSeriesText(key);
    if (!series.ok) return slots.refuse(key, { reason: "labels", detail: series.error });
    return slots.learn(target, key, series.value.metric ?? "", series.value.labels);
  }

  isWhole(text: string, lastTime: number): boolean {
    const [, , value = "", time = ""] = SAMPLE.exec(text) ?? [];
    return value !== "" && isWhole({ time, value }, { ...this.#options.forms, lastTime });
  }
}
