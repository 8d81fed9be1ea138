/** Hands the fields of one row to the target: as a reading, or as a skip with its reason. */
import { parseRowTime } from "../../../schema/dcgm/row.ts";
import type { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
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

/** Hands over a row whose slot is known. Returns true if the target says stop. */
export function deliverReading(
  target: RowTarget,
  slot: number,
  texts: { time: string; value: string },
  line: number,
  lastTime: number,
): boolean {
  const time = parseRowTime(texts.time, lastTime);
  if (!time.ok) {
    target.skip(time.error.reason, line, () => time.error.detail);
    return false;
  }
  const value = parseDcgmValue(texts.value);
  if (!value.ok) {
    target.skip(value.error.reason, line, () => value.error.detail);
    return false;
  }
  return target.add(slot, time.value, value.value, line);
}

/** Hands over a row, given by its fields. Returns true if the target says stop. */
export function deliverRow(
  target: RowTarget,
  identities: RowIdentities,
  fields: readonly string[],
  line: number,
  lastTime: number,
): boolean {
  const slot = slotOf(target, identities, fields, line);
  if (slot === undefined || slot < 0) return false;
  const { columns } = identities;
  const texts = { time: fields[columns.timestamp] ?? "", value: fields[columns.value] ?? "" };
  return deliverReading(target, slot, texts, line, lastTime);
}
