/** Converts the clock times of an IANA time zone to moments. */

const QUARTER_HOUR_MS = 900_000;
const DAY_MS = 86_400_000;
/** Offsets are remembered by quarter hour: zones change theirs on one. This many cover a month and a half. */
const MAX_REMEMBERED = 4096;

export interface TimeZone {
  readonly name: string;
  /**
   * Returns the moments at which clocks of the zone show a time: none in the hour that is left out, two in the hour
   * that comes twice, the earlier one first.
   * @param wall the clock's time as ms since the epoch, as if it were UTC
   */
  moments(wall: number): readonly number[];
  /** Returns what the zone's clocks show at a moment, in the same form. */
  wallOf(moment: number): number;
}

export const UTC: TimeZone = { name: "UTC", moments: (wall) => [wall], wallOf: (moment) => moment };

/** Returns undefined if the name is not that of a zone. */
export function createTimeZone(name: string): TimeZone | undefined {
  if (name === "UTC") return UTC;
  const format = formatOf(name);
  if (format === undefined) return undefined;
  const offsets = new Map<number, number>();
  const offsetAt = (moment: number): number => {
    const quarter = Math.floor(moment / QUARTER_HOUR_MS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      if (offsets.size >= MAX_REMEMBERED) offsets.clear();
      offset = wallAt(format, quarter * QUARTER_HOUR_MS) - quarter * QUARTER_HOUR_MS;
      offsets.set(quarter, offset);
    }
    return offset;
  };
  return {
    name,
    wallOf: (moment) => moment + offsetAt(moment),
    moments(wall) {
      // No zone changes its offset twice within two days, so those of the days around are the only candidates.
      const candidates = [wall - offsetAt(wall - DAY_MS), wall - offsetAt(wall + DAY_MS)].sort((a, b) => a - b);
      return [...new Set(candidates)].filter((moment) => moment + offsetAt(moment) === wall);
    },
  };
}

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  try {
    const digits = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
    return new Intl.DateTimeFormat("en-US", { timeZone: name, hourCycle: "h23", ...digits, second: "numeric" });
  } catch {
    return undefined;
  }
}

/** What the zone's clocks show, as ms since the epoch as if it were UTC. */
function wallAt(format: Intl.DateTimeFormat, moment: number): number {
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
