/** What one subscriber has seen of its frames. */

/** Publication and arrival, in turn: `[number, ms since the epoch, number, …]`. */
export type Seen = number[];

export interface Watcher {
  frames: number;
  missed: number;
  /** An error, or an end before it was asked for. */
  trouble: string | null;
  readonly seen: Seen;
}

export const createWatcher = (): Watcher => ({ frames: 0, missed: 0, trouble: null, seen: [] });

function numberAt(text: string, at: number): number {
  return at === -1 ? 0 : Number.parseFloat(text.slice(at + VALUE.length, at + VALUE.length + 20));
}

const VALUE = '"value":';
const MISSED = '"missed":';

/** The first reading of a frame waited longest, the last one came last; the rest lies between. */
export function take(watcher: Watcher, text: string): void {
  const arrivedAt = Date.now();
  watcher.frames++;
  if (text.includes('"errors":')) watcher.trouble ??= text.slice(0, 500);
  const missed = text.lastIndexOf(MISSED);
  if (missed !== -1) watcher.missed += Number.parseInt(text.slice(missed + MISSED.length), 10);
  const first = numberAt(text, text.indexOf(VALUE));
  const last = numberAt(text, text.lastIndexOf(VALUE));
  if (first > 0) watcher.seen.push(first, arrivedAt);
  if (last > 0 && last !== first) watcher.seen.push(last, arrivedAt);
}
