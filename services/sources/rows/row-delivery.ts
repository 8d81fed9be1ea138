/** Hands the fields of one row to the target: as a reading, or as a skip with its reason. */
import type { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import type { RowTimes } from "../../../schema/dcgm/time.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import type { RowTarget } from "../port.ts";

/** Returns the target's slot for the row's GPU and series. If the row lacks them, skips it and returns undefined. */
export function slotOf(
  target: RowTarget,
  identities: RowIdentities,
  fields: readonly string[],
  line: number,
): number | undefined {
  const identity = identities.of(fields, target);
  if (identity.ok) return target.slot(identity.value.facts, identity.value.series, identity.value.holders);
  target.skip(identity.error.reason, line, () => identity.error.detail);
  return undefined;
}

/** How times and numbers of a source are read. */
export interface RowForms {
  readonly times: RowTimes;
  /** True if numbers may have a comma in place of the point. */
  readonly hasDecimalComma: boolean;
}

/** Also the latest time that a row may have, ms since the epoch. */
export interface RowBounds extends RowForms {
  readonly lastTime: number;
}

const DECIMAL_COMMA = /^([^.,]*),([^.,]*)$/;

/** The number with a decimal point, if the source may have a comma. */
export const withPoint = (text: string, { hasDecimalComma }: RowForms): string =>
  hasDecimalComma ? text.replace(DECIMAL_COMMA, "$1.$2") : text;

/** Hands over a row whose slot is known. Returns true if the target says stop. */
export function deliverReading(
  target: RowTarget,
  slot: number,
  texts: { time: string; value: string },
  line: number,
  bounds: RowBounds,
): boolean {
  const time = bounds.times.parse(withPoint(texts.time, bounds), bounds.lastTime);
  if (!time.ok) {
    target.skip(time.error.reason, line, () => time.error.detail);
    return false;
  }
  const value = parseDcgmValue(withPoint(texts.value, bounds));
  if (!value.ok) {
    target.skip(value.error.reason, line, () => value.error.detail);
    return false;
  }
  return target.add(slot, time.value, value.value, line);
}

/** Leaves out a row. Its time still counts in the order that decides times of the hour that comes twice. */
export function declined(time: string, bounds: RowBounds): false {
  if (!bounds.times.isUtc) bounds.times.parse(withPoint(time, bounds), bounds.lastTime);
  return false;
}

/** Hands over a row, given by its fields. Returns true if the target says stop. */
export function deliverRow(
  target: RowTarget,
  identities: RowIdentities,
  fields: readonly string[],
  line: number,
  bounds: RowBounds,
): boolean {
  const slot = slotOf(target, identities, fields, line);
  if (slot === undefined) return false;
  const { columns } = identities;
  const texts = { time: fields[columns.timestamp] ?? "", value: fields[columns.value] ?? "" };
  if (slot < 0) return declined(texts.time, bounds);
  return deliverReading(target, slot, texts, line, bounds);
}

/** True if time and value are whole: a row that ends elsewhere may have been cut short. */
export function isWhole(texts: { time: string; value: string }, bounds: RowBounds): boolean {
  const time = bounds.times.peek(withPoint(texts.time, bounds), bounds.lastTime);
  const value = parseDcgmValue(withPoint(texts.value, bounds));
  return time.ok && (value.ok || value.error.reason !== "value");
}
