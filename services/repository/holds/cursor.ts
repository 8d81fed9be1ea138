/** Follows a timeline reading by reading. */
import type { Timeline } from "./timeline.ts";

/** A timeline, and how far it has been followed. */
export interface Cursor {
  readonly timeline: Timeline;
  /** Index of the next reading and of the next mark. */
  next: number;
  nextMark: number;
  /** Holders that the reading before named, without those that a mark has ended since. */
  before: readonly number[];
}

/** Returns a cursor at the first reading at or after the time. */
export function cursorAt(timeline: Timeline, from: number): Cursor {
  const { at, named, marks } = timeline;
  let next = at.findIndex((time) => time >= from);
  if (next === -1) next = at.length;
  const nextMark = marks.findIndex((mark) => mark.at >= from);
  const before = next === 0 ? [] : (named[next - 1] as readonly number[]);
  const since = next === 0 ? Number.NEGATIVE_INFINITY : (at[next - 1] as number);
  const ended = marks.filter((mark) => mark.at > since && mark.at < from).flatMap((mark) => mark.ended);
  return {
    timeline,
    next,
    nextMark: nextMark === -1 ? marks.length : nextMark,
    before: ended.length === 0 ? before : before.filter((holder) => !ended.includes(holder)),
  };
}
