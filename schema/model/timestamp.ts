/** RFC 3339 text ⇄ milliseconds since the epoch, UTC. */
import { fail, ok, type Result } from "./result.ts";
import { shown } from "./shown.ts";

/** Describes the accepted text in error messages. */
export const TIMESTAMP_FORM =
  "an RFC 3339 time with a zone, such as 2025-07-18T20:42:34Z or 2025-07-18T22:42:34.5+02:00";

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** Returns milliseconds, with a fraction if the text is more precise: callers round a bound up or down. */
export function parseTimestamp(text: string): Result<number> {
  const match = RFC3339.exec(text);
  if (match !== null) {
    const [, year, month, day, hour, minute, second, fraction, sign, zoneHour, zoneMinute] = match;
    const wall = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    // Date.parse rolls 30 February and 24:00 over to another day.
    if (!Number.isNaN(wall) && new Date(wall).getUTCDate() === Number(day) && hour !== "24") {
      const offsetMs = sign === undefined ? 0 : (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
      return ok(wall + Number(fraction ?? 0) * 1000 - (sign === "-" ? -offsetMs : offsetMs));
    }
  }
  return fail(`must be ${TIMESTAMP_FORM}, got ${shown(text)}`);
}

/** Formats whole milliseconds: `2025-07-18T20:42:34Z`, or with three digits of a second where they are not zero. */
export function formatTimestamp(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % 1000 === 0 ? `${text.slice(0, -5)}Z` : text;
}
