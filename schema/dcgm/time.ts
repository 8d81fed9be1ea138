/** Parses the times of rows, in the forms that exporters, Prometheus tools and data frames write. */
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";
import { type TimeZone, UTC } from "./time-zone.ts";

export interface TimeFault {
  readonly reason: "time";
  readonly detail: string;
}

/** Describes the accepted text in error messages. */
const ROW_TIME_FORM =
  "a time such as 2025-07-18T20:42:34Z, 2025-07-18 22:42:34.5+02:00 or 2025-07-18 20:42:34, or Unix seconds or milliseconds";

/** DCGM did not exist before 2000, so an earlier time comes from a clock that was never set. */
const FIRST_TIME = Date.UTC(2000);
const MAX_AHEAD_MS = 86_400_000;

/** The last accepted time of a row: one day ahead of the clock. */
export const lastRowTime = (now: number): number => now + MAX_AHEAD_MS;

export const isRowTime = (at: number, last: number): boolean => at >= FIRST_TIME && at <= last;

/**
 * Date and time, then nothing or a zone: `Z`, ` UTC`, `+02:00`, `+0200`, `+02`, or Go's ` +0200 CEST`, which may be
 * followed by a reading of its monotonic clock.
 */
const CALENDAR =
  /^(\d{4})([-/])(\d{2})\2(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:([Zz]| UTC)|( ?)([+-])([01]\d|2[0-3])(?::?([0-5]\d))?(?: (?:[A-Z]{2,5}|[+-]\d{2,4}))?(?: m=[+-]\d+\.\d+)?)?$/;
const WITHOUT_ZONE = /^\d{4}([-/])\d{2}\1\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?$/;
const EPOCH = /^\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?$/;

/** True for a time that only `CSV_TIMEZONE` makes a moment. */
export const lacksZone = (text: string): boolean => WITHOUT_ZONE.test(text);

/** Smaller numbers are seconds, up to the year 5138; larger ones are milliseconds, from 1973 on. */
const FIRST_MILLISECONDS = 1e11;
/** Doubles hold Unix seconds to a quarter of a microsecond, so a number this little below a millisecond is that one. */
const ROUNDING_MS = 0.001;

/** Returns whole milliseconds, rounded down, of Unix seconds or milliseconds. */
export const millisecondsOf = (epoch: number): number =>
  Math.floor((epoch < FIRST_MILLISECONDS ? epoch * 1000 : epoch) + ROUNDING_MS);

/** Rows of one tick may differ by less than this in either direction. */
const MIN_REPEAT_MS = 60_000;

/**
 * The times of one source's rows. A time without a zone is read in the given zone. In the hour that comes twice, a time
 * belongs to the first pass until the rows go back by more than a minute, and then to the second one. The order is that
 * of the rows alone, so a reader that continues from a place needs `repeated` of that place.
 */
export class RowTimes {
  readonly #zone: TimeZone;
  /** The moment of the row before if its clock time comes twice. Reading continued from there needs it. */
  repeated: number | undefined;

  constructor(zone: TimeZone, repeated?: number) {
    this.#zone = zone;
    this.repeated = repeated;
  }

  /** True if times without a zone are UTC. */
  get isUtc(): boolean {
    return this.#zone === UTC;
  }

  /** Like `parse()`, without counting the time as one of a row. */
  peek(text: string, last: number): Result<number, TimeFault> {
    const before = this.repeated;
    const time = this.parse(text, last);
    this.repeated = before;
    return time;
  }

  /** Returns whole milliseconds since the epoch, rounded down. A time before 2000 or after `last` is a fault. */
  parse(text: string, last: number): Result<number, TimeFault> {
    const at = this.#read(text);
    if (at === undefined) return refused(`must be ${ROW_TIME_FORM}`, text);
    if (Number.isNaN(at)) return refused(`must be a time that clocks in ${this.#zone.name} show`, text);
    if (isRowTime(at, last)) return ok(at);
    return refused("must be between 2000-01-01 and one day ahead of the clock", text);
  }

  /** Returns NaN for a clock time that the zone leaves out, undefined for a text in another form. */
  #read(text: string): number | undefined {
    const match = CALENDAR.exec(text);
    if (match === null) {
      const epoch = EPOCH.test(text) ? millisecondsOf(Number(text)) : Number.NaN;
      return Number.isNaN(epoch) ? undefined : epoch;
    }
    const [, year, , month, day, hour, minute, second, fraction, utc, , sign, zoneHour, zoneMinute] = match;
    const wall = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    // Date.parse rolls 30 February and 24:00 over to another day.
    if (Number.isNaN(wall) || new Date(wall).getUTCDate() !== Number(day) || hour === "24") return undefined;
    const at = wall + Number((fraction ?? ".").slice(1, 4).padEnd(3, "0"));
    if (utc !== undefined) return at;
    if (sign === undefined) return this.#local(at);
    const offsetMs = (Number(zoneHour) * 60 + Number(zoneMinute ?? 0)) * 60_000;
    return sign === "-" ? at + offsetMs : at - offsetMs;
  }

  #local(wall: number): number {
    const [first = Number.NaN, second] = this.#zone.moments(wall);
    if (second === undefined) {
      this.repeated = undefined;
      return first;
    }
    this.repeated = this.#isSecondPass(wall) ? second : first;
    return this.repeated;
  }

  /** A jump back within the second pass begins the hour anew: files may hold one series after the other. */
  #isSecondPass(wall: number): boolean {
    if (this.repeated === undefined) return false;
    const before = this.#zone.wallOf(this.repeated);
    const wasSecond = this.#zone.moments(before)[0] !== this.repeated;
    return wall < before - MIN_REPEAT_MS ? !wasSecond : wasSecond;
  }
}

const refused = (accepted: string, text: string): Result<never, TimeFault> =>
  fail({ reason: "time", detail: `timestamp ${accepted}, got ${shown(text)}` });
