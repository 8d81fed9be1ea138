/** Records the frames of one subscriber. */

/** Number of the publication and time of arrival, alternating: `[number, ms since the epoch, number, …]`. */
export type Seen = number[];

export interface Watcher {
  frames: number;
  missed: number;
  /** The first error, or the reason of an early end. */
  trouble: string | null;
  readonly seen: Seen;
}

export const createWatcher = (): Watcher => ({ frames: 0, missed: 0, trouble: null, seen: [] });

function numberAt(text: string, at: number): number {
  return at === -1 ? 0 : Number.parseFloat(text.slice(at + VALUE.length, at + VALUE.length + 20));
}

const VALUE = '"value":';
const MISSED = '"missed":';

/** Records the first and the last reading of a frame. They are the oldest and the newest; the others are in between. */
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
