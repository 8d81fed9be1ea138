/**
 * Reads series in JSON: answers of Prometheus' HTTP API, `promtool query --format=json`, and lines of VictoriaMetrics'
 * `/api/v1/export`. Any object with `metric` is a series; its samples are in `value`, `values`, or `values` beside
 * `timestamps`. Objects and lists around it do not matter, so a reader can continue at any series.
 */
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { Place, RowTarget } from "../port.ts";
import { declined, deliverReading, type RowForms } from "../rows/row-delivery.ts";
import type { RowParser } from "../rows/row-parser.ts";
import type { SeriesSlots } from "../rows/series-slots.ts";
import { type JsonFrame, type JsonSeries, roleIn } from "./json-frames.ts";
import { JsonTokens } from "./json-tokens.ts";

/** How deep objects and lists may be nested; a real answer has five levels. */
const MAX_DEPTH = 16;
/** How many numbers of a series are held while its other list is read: two years at 15 s. */
const MAX_HELD = 4_194_304;
const MAX_LABELS = 1024;
const SHOWN_BYTES = 40;
const SERIES_START = '{"metric"';

export interface JsonOptions {
  readonly forms: RowForms;
  readonly slots: SeriesSlots;
  /** The window must begin at its section if it has one, otherwise at its offset. */
  readonly from: Place;
}

export class JsonSamples implements RowParser {
  readonly #window: ByteWindow;
  readonly #options: JsonOptions;
  readonly #tokens: JsonTokens;
  #stack: JsonFrame[] = [];
  /** Samples that end up to here have been handed over. */
  readonly #resumeAt: number;
  #isLost = false;

  constructor(window: ByteWindow, options: JsonOptions) {
    this.#window = window;
    this.#options = options;
    this.#tokens = new JsonTokens(window, options.from.line);
    this.#resumeAt = options.from.section === undefined ? 0 : options.from.offset;
  }

  get place(): Place {
    const offset = Math.max(this.#window.offsetOf(this.#window.start), this.#resumeAt);
    const line = this.#isResuming() ? this.#options.from.line : this.#tokens.line;
    const section = this.#stack.find(({ series }) => series !== undefined)?.start ?? this.#unfinished();
    return { offset, line, ...(section === undefined ? {} : { section }) };
  }

  #isResuming(): boolean {
    return this.#window.offsetOf(this.#window.start) <= this.#resumeAt && this.#resumeAt > 0;
  }

  /** Start of an object that may yet turn out to be a series. */
  #unfinished(): number | undefined {
    const top = this.#stack.at(-1);
    return top?.role === "object" && (top.key ?? "metric") === "metric" ? top.start : undefined;
  }

  read(target: RowTarget, lastTime: number): boolean {
    for (;;) {
      if (this.#isLost && !this.#find()) return false;
      const from = this.#window.start;
      const start = this.#window.offsetOf(from);
      const kind = this.#tokens.next();
      const wasResuming = this.#isResuming();
      if (wasResuming) this.#tokens.line = this.#options.from.line;
      switch (kind) {
        case "more":
          return false;
        case "bad":
          this.#lose(target, from);
          break;
        case "{":
        case "[":
          if (!this.#open(kind, start)) this.#lose(target, from);
          break;
        case "}":
        case "]":
          if (this.#stack.length > 0 && this.#stack.at(-1)?.closing !== kind) this.#lose(target, from);
          else if (this.#close(target, lastTime)) return true;
          break;
        case ":":
          break;
        case ",":
          this.#next();
          break;
        case "string":
        case "scalar":
          if (this.#stack.length === 0) this.#lose(target, from);
          else if (this.#scalar(target, kind, lastTime)) return true;
          break;
        default:
          kind satisfies never;
      }
    }
  }

  /** Looks for the next series after a place that is no JSON. */
  #find(): boolean {
    const window = this.#window;
    const at = window.bytes.indexOf(SERIES_START, window.start);
    const isFound = at !== -1 && at + SERIES_START.length <= window.end;
    const to = isFound ? at : Math.max(window.start, window.end - SERIES_START.length);
    for (let index = window.start; index < to; index++) if (window.bytes[index] === 0x0a) this.#tokens.line++;
    window.start = to;
    this.#isLost = !isFound;
    return isFound;
  }

  /** @param from index of what is no part of a series; the next series may begin there */
  #lose(target: RowTarget, from: number): void {
    const { bytes, end } = this.#window;
    const text = bytes.toString("latin1", from, Math.min(end, from + SHOWN_BYTES)).trim();
    this.#stack = [];
    this.#isLost = true;
    this.#window.start = from;
    target.skip("syntax", this.#tokens.line, () => `series must be in JSON, got ${shown(text)}`);
  }

  #open(kind: "{" | "[", start: number): boolean {
    const parent = this.#stack.at(-1);
    const holdsNumbers = parent?.role === "pairs" || parent?.role === "pair" || parent?.role === "labels";
    if (this.#stack.length >= MAX_DEPTH || (kind === "{" && holdsNumbers)) return false;
    const role = roleIn(parent, kind);
    if (role === "labels" && parent !== undefined) {
      parent.series = { start: parent.start, labels: [], slot: undefined, held: [], heldKey: undefined, matched: 0 };
    }
    this.#stack.push({ role, closing: kind === "{" ? "}" : "]", start, key: undefined, series: undefined, texts: [] });
    return true;
  }

  #next(): void {
    const top = this.#stack.at(-1);
    if (top === undefined) return;
    if (top.role === "object" || top.role === "labels") top.key = undefined;
  }

  #close(target: RowTarget, lastTime: number): boolean {
    const frame = this.#stack.pop();
    const series = this.#stack.findLast((one) => one.series !== undefined)?.series;
    if (frame?.role !== "pair" || series === undefined) return false;
    const [time = "", value = ""] = frame.texts;
    return this.#sample(target, series, time, value, lastTime);
  }

  #scalar(target: RowTarget, kind: "string" | "scalar", lastTime: number): boolean {
    const top = this.#stack.at(-1);
    const { text } = this.#tokens;
    switch (top?.role) {
      case "object":
      case "labels":
        if (top.key === undefined && kind === "string") top.key = text;
        else if (top.role === "labels") this.#stack.at(-2)?.series?.labels.push([top.key ?? "", text]);
        return false;
      case "pair":
        if (top.texts.length < 2) top.texts.push(text);
        return false;
      case "pairs":
        return this.#ofTwoLists(target, text, lastTime);
      default:
        return false;
    }
  }

  /** One number of `values` or `timestamps`, as VictoriaMetrics writes them. */
  #ofTwoLists(target: RowTarget, text: string, lastTime: number): boolean {
    const owner = this.#stack.at(-2);
    const series = owner?.series;
    if (series === undefined || owner?.key === undefined) return false;
    series.heldKey ??= owner.key;
    if (series.heldKey === owner.key) {
      if (series.held.length === MAX_HELD) return this.#refuse(target, series);
      series.held.push(text);
      return false;
    }
    const other = series.held[series.matched++];
    if (other === undefined) return false;
    const [time, value] = owner.key === "timestamps" ? [text, other] : [other, text];
    return this.#sample(target, series, time, value === "null" ? "NaN" : value, lastTime);
  }

  #refuse(target: RowTarget, series: JsonSeries): false {
    if (series.matched === 0) {
      const accepted = `series must have at most ${MAX_HELD} samples in an object (max_rows_per_line), got more`;
      target.skip("too_long", this.#tokens.line, () => accepted);
    }
    series.matched = Number.POSITIVE_INFINITY;
    return false;
  }

  #sample(target: RowTarget, series: JsonSeries, time: string, value: string, lastTime: number): boolean {
    if (this.#window.offsetOf(this.#window.start) <= this.#resumeAt) return false;
    series.slot ??= this.#slotOf(target, series);
    const { slot } = series;
    const { line } = this.#tokens;
    const bounds = { ...this.#options.forms, lastTime };
    if (typeof slot !== "number") target.skip(slot.reason, line, () => slot.detail);
    else if (slot < 0) declined(time, bounds);
    else return deliverReading(target, slot, { time, value }, line, bounds);
    return false;
  }

  #slotOf(target: RowTarget, { labels }: JsonSeries): number | RowFault {
    const { slots } = this.#options;
    const key = JSON.stringify(labels);
    if (labels.length > MAX_LABELS) {
      return { reason: "labels", detail: `series must have at most ${MAX_LABELS} labels, got ${labels.length}` };
    }
    const metric = labels.find(([name]) => name === "__name__")?.[1] ?? "";
    return slots.get(key) ?? slots.learn(target, key, metric, labels);
  }

  isLastClosed(): boolean {
    return false;
  }

  readLast(target: RowTarget): boolean {
    const isInside = this.#stack.length > 0 || (!this.#isLost && this.#window.start < this.#window.end);
    if (isInside)
      target.skip("truncated", this.#tokens.line, () => "JSON must be whole, got the end of the file inside it");
    return false;
  }
}
