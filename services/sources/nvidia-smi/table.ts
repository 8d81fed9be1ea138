/** Reads what `nvidia-smi --query-gpu=… --format=csv` prints: one line per GPU and tick, one column per field. */
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import type { Place, RowTarget } from "../port.ts";
import { isWhole, type RowForms } from "../rows/row-delivery.ts";
import type { SeriesSlots } from "../rows/series-slots.ts";
import type { LineHandler, TextLine } from "../rows/text-lines.ts";
import { FIELD_LABELS, FIELD_METRICS, factorOf } from "./fields.ts";

/** Field and unit of a column: `utilization.gpu [%]`. */
const COLUMN = /^([a-z0-9_.]+)(?: \[([A-Za-z%]+)\])?$/;
/** Number and unit of a value: `99 %`, `1486 MiB`, `P0`, `0x0000000000000004`. */
const HEX = /^0x0*[0-9a-f]{1,13}$/i;
const HEX_BLANK = /^0xffffffffffffffff$/i;
const VALUE = /^(\S+) ([A-Za-z%]+)$/;
const ANSWERS: Readonly<Record<string, string>> = { Yes: "1", No: "0", Active: "1", "Not Active": "0" };

interface Measure {
  readonly column: number;
  readonly metric: string;
  readonly unit: string;
}

export interface SmiColumns {
  readonly names: readonly string[];
  readonly time: number;
  readonly labels: readonly (readonly [label: string, column: number])[];
  readonly measures: readonly Measure[];
}

export const fieldsOf = (line: string): string[] => line.split(",").map((field) => field.trim());

/** Returns undefined for a line that is no header of nvidia-smi. */
export function parseSmiHeader(line: string): SmiColumns | undefined {
  const names = fieldsOf(line);
  const columns = names.map((name) => COLUMN.exec(name));
  const labels = columns.flatMap((match, column) => {
    const label = Object.hasOwn(FIELD_LABELS, match?.[1] ?? "") ? FIELD_LABELS[match?.[1] ?? ""] : undefined;
    return label === undefined ? [] : [[label, column] as const];
  });
  const measures = columns.flatMap((match, column) => {
    const metric = Object.hasOwn(FIELD_METRICS, match?.[1] ?? "") ? FIELD_METRICS[match?.[1] ?? ""] : undefined;
    return metric === undefined ? [] : [{ column, metric, unit: match?.[2] ?? "" }];
  });
  if (measures.length === 0) return undefined;
  return { names, time: names.indexOf("timestamp"), labels, measures };
}

/** A number in the catalogue's unit, as a text that `parseDcgmValue` reads or refuses. */
function numberOf(text: string, { metric, unit }: Measure): string {
  if (HEX_BLANK.test(text)) return "N/A";
  if (HEX.test(text)) return String(Number(text));
  if (/^P\d{1,2}$/.test(text)) return text.slice(1);
  if (text.startsWith("[") && text.endsWith("]")) return "[N/A]";
  const [, number = text, ownUnit = unit] = VALUE.exec(text) ?? [];
  const factor = factorOf(metric, ownUnit);
  const value = parseDcgmValue(number);
  if (factor === undefined) return text;
  return factor === 1 || !value.ok ? (ANSWERS[text] ?? number) : String(value.value * factor);
}

/** Which GPU a line without uuid and index is of. */
export interface SmiHost {
  readonly name: string;
  /** Bus ids in NVML's order; a line with one of them has its place as index. */
  readonly busIds: readonly string[];
  /** True if lines name no GPU and are of a single one. */
  readonly hasOneGpu: boolean;
}

export interface SmiOptions {
  readonly forms: RowForms;
  readonly slots: SeriesSlots;
  readonly host: SmiHost;
  /** Time of lines without one: when the file was written. */
  readonly writtenAt: number;
  readonly columns: SmiColumns;
  /** Number and beginning of the columns' line. */
  readonly section: number | undefined;
}

export class SmiTable implements LineHandler {
  readonly #options: SmiOptions;
  #columns: SmiColumns;
  #section: number | undefined;
  taken = 0;

  constructor(options: SmiOptions) {
    this.#options = options;
    this.#columns = options.columns;
    this.#section = options.section;
  }

  get context(): Pick<Place, "section" | "repeated"> {
    const { repeated } = this.#options.forms.times;
    return {
      ...(this.#section === undefined ? {} : { section: this.#section }),
      ...(repeated === undefined ? {} : { repeated }),
    };
  }

  handle(target: RowTarget, { text, line, offset }: TextLine, taken: number, lastTime: number): boolean {
    this.taken = 0;
    if (text.trim() === "") return false;
    const header = parseSmiHeader(text);
    if (header !== undefined) {
      this.#columns = header;
      this.#section = offset;
      return false;
    }
    const fields = fieldsOf(text);
    const { names, time, labels, measures } = this.#columns;
    if (fields.length !== names.length) {
      const detail = `row must have ${names.length} fields, as the header has, got ${fields.length}`;
      target.skip("fields", line, () => detail);
      return false;
    }
    const { forms, writtenAt } = this.#options;
    const before = forms.times.repeated;
    const at = forms.times.parse(time === -1 ? String(writtenAt) : (fields[time] ?? ""), lastTime);
    if (!at.ok) {
      target.skip("time", line, () => at.error.detail);
      return false;
    }
    const gpu = labels.map(([label, column]) => [label, fields[column] ?? ""] as const);
    const key = gpu.map(([, value]) => value).join("\n");
    let given = 0;
    let blank: (() => string) | undefined;
    for (let index = 0; index < measures.length; index++) {
      const measure = measures[index] as Measure;
      const slot = this.#slotOf(target, `${measure.metric}\n${key}`, measure.metric, gpu);
      if (typeof slot !== "number") {
        target.skip(slot.reason, line, () => slot.detail);
        return false;
      }
      if (slot < 0) continue;
      const value = parseDcgmValue(numberOf(fields[measure.column] ?? "", measure));
      if (!value.ok) {
        const detail = () => `${names[measure.column]}: ${value.error.detail}`;
        if (value.error.reason === "blank") blank ??= detail;
        else if (given >= taken) target.skip(value.error.reason, line, detail);
        continue;
      }
      if (++given <= taken) continue;
      if (!target.add(slot, at.value, value.value, line)) continue;
      if (index + 1 < measures.length) {
        this.taken = given;
        forms.times.repeated = before;
      }
      return true;
    }
    // Cards do not support every field, so only a line without any value is worth a word.
    if (given === 0 && blank !== undefined) target.skip("blank", line, blank);
    return false;
  }

  #slotOf(
    target: RowTarget,
    key: string,
    metric: string,
    gpu: readonly (readonly [string, string])[],
  ): number | RowFault {
    const { slots, host } = this.#options;
    const known = slots.get(key);
    if (known !== undefined) return known;
    const labels = new Map(gpu.filter(([, value]) => !/^(?:|\[.*\]|N\/A)$/.test(value)));
    labels.set("Hostname", host.name);
    if (!labels.has("gpu")) {
      const index = host.busIds.indexOf(labels.get("pci_bus_id") ?? "");
      if (index !== -1) labels.set("gpu", String(index));
      else if (host.hasOneGpu) labels.set("gpu", "0");
      else if (!labels.has("UUID")) {
        const detail = "row must name its GPU by uuid, index or pci.bus_id (--query-gpu=index,…), got none of them";
        return slots.refuse(key, { reason: "uuid", detail });
      }
    }
    return slots.learn(target, key, metric, labels);
  }

  isWhole(text: string, lastTime: number): boolean {
    const fields = fieldsOf(text);
    const { names, time, measures } = this.#columns;
    const last = measures.at(-1) as Measure;
    if (fields.length !== names.length || fields.at(-1) === "") return false;
    const when = time === -1 ? String(this.#options.writtenAt) : (fields[time] ?? "");
    const value = numberOf(fields[last.column] ?? "", last);
    return isWhole({ time: when, value }, { ...this.#options.forms, lastTime });
  }
}
