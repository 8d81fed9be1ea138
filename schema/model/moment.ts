/** Parses the times that callers of the API give: RFC 3339, seconds since the epoch, or a time relative to now. */
import { fail, ok, type Result } from "./result.ts";
import { shown } from "./shown.ts";
import { parseTimestamp } from "./timestamp.ts";

/** Describes the accepted values in error messages. */
const MOMENT_FORM =
  "an RFC 3339 time with a zone, such as 2025-07-18T20:42:34Z or 2025-07-18T22:42:34.5+02:00, seconds since the " +
  "epoch, such as 1752871354, or a time before now, such as now-1h";

/** Twelve digits of seconds are past the year 9999: such numbers are milliseconds. */
const EPOCH_SECONDS = /^\d{1,11}(?:\.\d{1,9})?$/;
const EPOCH_OTHER = /^\d{12,19}$/;
const NOW = /^now(?:-((?:\d{1,9}(?:ms|s|m|h|d|w))+))?$/;
const PART = /(\d+)(ms|s|m|h|d|w)/g;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
/** A zone such as +02:00 after a form decoder has turned its plus into a space. */
const SPACE_FOR_PLUS = /^\S+[Tt]\S+ \d{2}:\d{2}$/;

/** The earliest and latest times that a Date can hold, ms. */
const LAST_TIME = 8.64e15;

function hintFor(text: string): string {
  if (SPACE_FOR_PLUS.test(text)) return ": a + in a URL stands for a space, so write it as %2B";
  return EPOCH_OTHER.test(text) ? ": give seconds, not milliseconds" : "";
}

/**
 * Returns milliseconds since the epoch, with a fraction if the value is more precise.
 * @param value text, or a number of seconds
 * @param now ms since the epoch
 */
export function parseMoment(value: unknown, now: number): Result<number> {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return fail(`must be ${MOMENT_FORM}, got ${shown(value)}`);
  if (EPOCH_SECONDS.test(text)) return ok(Number(text) * 1000);
  const relative = NOW.exec(text);
  if (relative !== null) {
    let at = now;
    for (const [, count, unit] of (relative[1] ?? "").matchAll(PART)) {
      at -= Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
    }
    if (at >= -LAST_TIME) return ok(at);
  }
  const time = parseTimestamp(text);
  return time.ok ? time : fail(`must be ${MOMENT_FORM}, got ${shown(value)}${hintFor(text)}`);
}
