/**
 * Derives holds from evidence.
 *
 * - A series takes up a holder when it names it, and its reading before did not, does not exist, has been ended by a
 *   mark, or lies before a silence of the series.
 * - A series drops a holder when its reading before named it and this one does not, or when a mark ends a row that
 *   named it.
 * - A hold begins at a take-up while none of that holder is open. While it is open, every time at which a series names
 *   the holder extends it.
 * - It ends at the last such time before the first drop by any series, or before a silence of every series that named
 *   the holder in this hold.
 * - At one time, drops come before take-ups. Naming without a take-up opens nothing: Prometheus repeats a series for
 *   some minutes after it has ended.
 */
import { type Holder, holderKey } from "../../../schema/model/holder.ts";
import { type Cursor, cursorAt } from "./cursor.ts";
import { isSilence, SHORTEST_SILENCE_MS, usualInterval, usualRange } from "./silence.ts";
import type { GpuEvidence, InstanceEvidence } from "./timeline.ts";

/** A hold with what is needed to go on from it. Times are ms since the epoch. */
export interface HoldRecord {
  readonly instance: string | null;
  readonly holder: Holder;
  /** First and last time of a reading that named the holder, both inclusive. */
  readonly from: number;
  readonly to: number;
  /** Time of the drop, or of the first reading after the silence, that has ended the hold; null: not ended so far. */
  readonly ended: number | null;
  /**
   * The longest usual interval of the series that named the holder. Without a drop, it decides until when it is open.
   */
  readonly usualMs: number;
}

/** Whether a hold is open by the newest reading of its GPU. */
export const isOpenAt = ({ to, ended, usualMs }: HoldRecord, newest: number): boolean =>
  ended === null && !isSilence(newest - to, usualMs);

interface OpenHold {
  readonly holder: number;
  readonly from: number;
  to: number;
  /** The series that named the holder in this hold. */
  readonly by: Set<Cursor>;
}

/** Follows the evidence of one instance. */
class Follower {
  readonly #instance: string | null;
  readonly #holders: readonly Holder[];
  readonly #open = new Map<number, OpenHold>();
  readonly records: HoldRecord[] = [];
  /** See `Derivation`. */
  unsettledFrom = Number.POSITIVE_INFINITY;

  constructor(instance: string | null, holders: readonly Holder[]) {
    this.#instance = instance;
    this.#holders = holders;
  }

  /** Goes on with a hold that was open before the first time. */
  resume(hold: OpenHold): void {
    this.#open.set(hold.holder, hold);
  }

  step(time: number, present: readonly Cursor[], marked: readonly Cursor[]): void {
    for (const hold of this.#open.values()) this.#endIfSilent(hold, time, present);
    for (const { before, timeline, next } of present) {
      const named = timeline.named[next] as readonly number[];
      if (before === named) continue;
      for (const holder of before) if (!named.includes(holder)) this.#end(holder, time);
    }
    for (const cursor of marked) {
      const { timeline, nextMark, next } = cursor;
      const still = timeline.at[next] === time ? (timeline.named[next] as readonly number[]) : [];
      const ended = timeline.marks[nextMark]?.ended.filter((holder) => !still.includes(holder)) ?? [];
      for (const holder of ended) this.#end(holder, time);
      cursor.before = cursor.before.filter((holder) => !ended.includes(holder));
    }
    for (const cursor of present) this.#takeUp(cursor, time);
    for (const cursor of present) {
      for (const holder of cursor.timeline.named[cursor.next] as readonly number[]) {
        const hold = this.#open.get(holder);
        if (hold === undefined) continue;
        hold.to = time;
        hold.by.add(cursor);
      }
    }
  }

  #endIfSilent(hold: OpenHold, time: number, present: readonly Cursor[]): void {
    const gap = time - hold.to;
    if (gap < SHORTEST_SILENCE_MS) return;
    const concerns = (cursor: Cursor) =>
      hold.by.has(cursor) || (cursor.timeline.named[cursor.next] as readonly number[]).includes(hold.holder);
    if (present.some(concerns) && this.#isSilence(gap, hold.by, time)) this.#end(hold.holder, time);
  }

  /** Decides whether the gap that ends at this time is a silence of the series. */
  #isSilence(gap: number, series: ReadonlySet<Cursor>, time: number): boolean {
    if (gap < SHORTEST_SILENCE_MS) return false;
    const ranges = [...series].map(({ timeline, next }) => usualRange(timeline.at, next));
    const least = Math.max(...ranges.map((range) => range.least));
    const most = Math.max(...ranges.map((range) => range.most));
    if (isSilence(gap, least) !== isSilence(gap, most)) this.unsettledFrom = Math.min(this.unsettledFrom, time);
    return isSilence(gap, longestUsual(series));
  }

  #takeUp(cursor: Cursor, time: number): void {
    const { timeline, next, before } = cursor;
    for (const holder of timeline.named[next] as readonly number[]) {
      if (this.#open.has(holder)) continue;
      const gap = next === 0 ? 0 : time - (timeline.at[next - 1] as number);
      if (!before.includes(holder) || this.#isSilence(gap, new Set([cursor]), time)) {
        this.#open.set(holder, { holder, from: time, to: time, by: new Set() });
      }
    }
  }

  #end(holder: number, time: number): void {
    const hold = this.#open.get(holder);
    if (hold === undefined) return;
    this.#open.delete(holder);
    this.#record(hold, time);
  }

  #record({ holder, from, to, by }: OpenHold, ended: number | null): void {
    const usualMs = ended === null ? longestUsual(by) : 0;
    this.records.push({ instance: this.#instance, holder: this.#holders[holder] as Holder, from, to, ended, usualMs });
  }

  finish(): void {
    for (const hold of this.#open.values()) this.#record(hold, null);
    this.#open.clear();
  }
}

function longestUsual(series: ReadonlySet<Cursor>): number {
  let longest = 0;
  for (const { timeline, next } of series) longest = Math.max(longest, usualInterval(timeline.at, next));
  return longest === 0 ? SHORTEST_SILENCE_MS : longest;
}

/** Where to go on: the holds that were derived before, and from which time the evidence is to be followed again. */
export interface Opening {
  readonly from: number;
  /** All holds of the GPU with a `from` before that time. */
  readonly holds: readonly HoldRecord[];
}

const BEGINNING: Opening = { from: Number.NEGATIVE_INFINITY, holds: [] };

export interface Derivation {
  /** The holds that begin at or after `opening.from`, or were open then, in no particular order. */
  readonly records: readonly HoldRecord[];
  /**
   * Time of the first decision about a gap that readings after all of the evidence may still change, because it has too
   * few readings after it; infinity: there is none. The holds must be derived again from there when they arrive, and no
   * block may be taken for an extension before.
   */
  readonly unsettledFrom: number;
}

/**
 * Derives the holds of one GPU from `opening.from` on. The evidence must reach back before it by 21 readings of each
 * series, unless there are fewer.
 */
export function derive({ holders, instances }: GpuEvidence, opening: Opening = BEGINNING): Derivation {
  const derived = instances.map((instance) => deriveInstance(instance, holders, opening));
  return {
    records: derived.flatMap(({ records }) => records),
    unsettledFrom: Math.min(...derived.map(({ unsettledFrom }) => unsettledFrom)),
  };
}

function deriveInstance(
  { instance, timelines }: InstanceEvidence,
  holders: readonly Holder[],
  { from, holds }: Opening,
): Derivation {
  const follower = new Follower(instance, holders);
  const cursors = timelines.map((timeline) => cursorAt(timeline, from));
  const numbers = new Map(holders.map((holder, number) => [holderKey(holder), number]));
  for (const hold of holds) {
    if (hold.instance !== instance || (hold.ended !== null && hold.ended < from)) continue;
    const holder = numbers.get(holderKey(hold.holder));
    // The series that named the holder of a hold that has not ended still name it with their last reading.
    const by = cursors.filter(({ before, next, timeline }) => {
      return holder !== undefined && before.includes(holder) && (timeline.at[next - 1] as number) >= hold.from;
    });
    // Without them, the readings of the hold have expired.
    const last = by.map(({ next, timeline }) => timeline.at[next - 1] as number);
    const to = by.length === 0 ? Math.min(hold.to, from) : Math.max(...last);
    if (holder === undefined) follower.records.push({ ...hold, to, ended: null });
    else follower.resume({ holder, from: hold.from, to, by: new Set(by) });
  }
  followAll(cursors, follower);
  return follower;
}

function followAll(cursors: readonly Cursor[], follower: Follower): void {
  for (;;) {
    let time = Number.POSITIVE_INFINITY;
    for (const { timeline, next, nextMark } of cursors) {
      time = Math.min(time, timeline.at[next] ?? time, timeline.marks[nextMark]?.at ?? time);
    }
    if (time === Number.POSITIVE_INFINITY) break;
    const present = cursors.filter(({ timeline, next }) => timeline.at[next] === time);
    const marked = cursors.filter(({ timeline, nextMark }) => timeline.marks[nextMark]?.at === time);
    follower.step(time, present, marked);
    for (const cursor of present) cursor.before = cursor.timeline.named[cursor.next++] as readonly number[];
    for (const cursor of marked) cursor.nextMark++;
  }
  follower.finish();
}
