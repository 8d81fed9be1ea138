/** Reads the rows of a wide frame: a time, labels, and a value per series. */
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import { parseRecord } from "../csv/line-fields.ts";
import type { Place, RowTarget } from "../port.ts";
import { isWhole, type RowForms, withPoint } from "../rows/row-delivery.ts";
import type { SeriesSlots } from "../rows/series-slots.ts";
import type { LineHandler, TextLine } from "../rows/text-lines.ts";
import { type Measure, parseWideLine, type WideColumns } from "./header.ts";

/** Cells without a value: the series has no reading at that time. */
const NO_VALUE = /^(?:nan|null|none|undefined)?$/i;
/** How many sets of labels have their slots remembered side by side. */
const MAX_ROWS_REMEMBERED = 1000;

type Slots = (number | RowFault | undefined)[];

export interface WideFrameOptions {
  readonly forms: RowForms;
  readonly slots: SeriesSlots;
  readonly columns: WideColumns;
  /** Where the header of the columns begins, if it stands inside the file. */
  readonly section: number | undefined;
  /** Line of the columns' header if its faults are still to be told. */
  readonly untold: number | undefined;
}

export class WideFrame implements LineHandler {
  readonly #forms: RowForms;
  readonly #slots: SeriesSlots;
  #columns: WideColumns;
  #section: number | undefined;
  #untold: number | undefined;
  /** Slots by column, for each set of labels that rows have in columns of their own. */
  readonly #known = new Map<string, Slots>();
  taken = 0;

  constructor({ forms, slots, columns, section, untold }: WideFrameOptions) {
    this.#forms = forms;
    this.#slots = slots;
    this.#columns = columns;
    this.#section = section;
    this.#untold = untold;
  }

  get context(): Pick<Place, "section" | "repeated"> {
    const { repeated } = this.#forms.times;
    return {
      ...(this.#section === undefined ? {} : { section: this.#section }),
      ...(repeated === undefined ? {} : { repeated }),
    };
  }

  handle(target: RowTarget, { text, line, offset }: TextLine, taken: number, lastTime: number): boolean {
    this.taken = 0;
    if (text.trim() === "") return false;
    const fields = this.#fieldsOf(text);
    if (fields !== undefined && this.#begins(fields, text)) {
      this.#section = offset;
      this.#untold = line;
      this.#known.clear();
      return false;
    }
    this.#tellFaults(target);
    const { count, time, measures } = this.#columns;
    if (fields?.length !== count) {
      const got = fields === undefined ? "a quote that RFC 4180 does not allow" : String(fields.length);
      target.skip(fields === undefined ? "quote" : "fields", line, () => {
        return `row must have ${count} fields, as the header has, got ${got}`;
      });
      return false;
    }
    const before = this.#forms.times.repeated;
    const at = this.#forms.times.parse(withPoint(fields[time] ?? "", this.#forms), lastTime);
    if (!at.ok) {
      target.skip("time", line, () => at.error.detail);
      return false;
    }
    const slots = this.#slotsOf(fields);
    let given = 0;
    for (let index = 0; index < measures.length; index++) {
      const measure = measures[index] as Measure;
      const cell = fields[measure.column] ?? "";
      if (NO_VALUE.test(cell)) continue;
      const slot = slots[index] ?? this.#learn(target, measure, fields);
      slots[index] = slot;
      if (typeof slot === "number" && slot < 0) continue;
      const fault = typeof slot === "number" ? undefined : slot;
      const value = parseDcgmValue(withPoint(cell, this.#forms));
      if (fault !== undefined || !value.ok) {
        const { reason, detail } = fault ?? (value as Exclude<typeof value, { ok: true }>).error;
        if (given >= taken) target.skip(reason, line, () => `${measure.name}: ${detail}`);
        continue;
      }
      if (++given <= taken || !target.add(slot as number, at.value, value.value, line)) continue;
      if (index + 1 < measures.length) {
        this.taken = given;
        this.#forms.times.repeated = before;
      }
      return true;
    }
    return false;
  }

  /** Takes over the columns of a line that is a header. */
  #begins(fields: readonly string[], text: string): boolean {
    const { time, separator } = this.#columns;
    if (!/^time(?:stamp)?$/i.test(fields[time] ?? "")) return false;
    const columns = parseWideLine(text, separator);
    if (columns === undefined) return false;
    this.#columns = columns;
    return true;
  }

  #tellFaults(target: RowTarget): void {
    if (this.#untold === undefined) return;
    for (const { reason, detail } of this.#columns.faults) target.skip(reason, this.#untold, () => detail);
    this.#untold = undefined;
  }

  #fieldsOf(text: string): readonly string[] | undefined {
    const { separator } = this.#columns;
    if (!text.includes('"')) return text.split(separator);
    const record = parseRecord(text, separator);
    return record.kind === "fields" ? record.fields : undefined;
  }

  #slotsOf(fields: readonly string[]): Slots {
    const { labels } = this.#columns;
    const key = labels.map(([, column]) => fields[column]).join("\n");
    let slots = this.#known.get(key);
    if (slots === undefined) {
      if (this.#known.size >= MAX_ROWS_REMEMBERED) this.#known.clear();
      slots = [];
      this.#known.set(key, slots);
    }
    return slots;
  }

  #learn(target: RowTarget, { name, metric, labels }: Measure, fields: readonly string[]): number | RowFault {
    const ofRow = this.#columns.labels.flatMap(([label, column]) => {
      const value = fields[column] ?? "";
      return value === "" ? [] : [[label, value] as const];
    });
    const key = [name, ...ofRow.flat()].join("\n");
    return this.#slots.get(key) ?? this.#slots.learn(target, key, metric, [...ofRow, ...labels]);
  }

  isWhole(text: string, lastTime: number): boolean {
    const fields = this.#fieldsOf(text);
    const { count, time } = this.#columns;
    const last = fields?.at(-1) ?? "";
    if (fields?.length !== count || last === "") return false;
    return isWhole({ time: fields[time] ?? "", value: last }, { ...this.#forms, lastTime });
  }
}
