/** Derives holds from evidence: a holder takes a GPU or an instance up, is named again and again, and drops it. */
import type { Track } from "./evidence.ts";

/** Both ends are ticks with readings that name the holder. */
export interface TickHold {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  /** True if the hold has not ended by the newest reading of the GPU. */
  readonly open: boolean;
}

/** A distance of at least this, and of more than SILENT_INTERVALS usual ones, is a silence. */
const SILENCE_MS = 300_000;
const SILENT_INTERVALS = 3;
/** Distances on each side of a silence that tell what is usual. */
const NEIGHBOURS = 20;
/** For a series that has no other distance. */
const UNKNOWN_INTERVAL_MS = 300_000;

interface OpenHold {
  readonly from: number;
  last: number;
  /** Tracks that named the holder in this hold. */
  readonly members: Set<Cursor>;
}

/** Walks along a track. */
class Cursor {
  readonly #track: Track;
  readonly #intervalMs: number;
  /** Number of readings before the current tick. */
  place = 0;

  constructor(track: Track, intervalMs: number) {
    this.#track = track;
    this.#intervalMs = intervalMs;
  }

  get next(): number {
    return this.#track.ticks[this.place] ?? Number.POSITIVE_INFINITY;
  }

  get last(): number {
    return this.#track.ticks[this.place - 1] ?? Number.NEGATIVE_INFINITY;
  }

  get named(): readonly string[] {
    return this.#track.named[this.place] ?? [];
  }

  get namedBefore(): readonly string[] {
    return this.#track.named[this.place - 1] ?? [];
  }

  /** Median of the distances around the place, without the one that ends there, ms. */
  usualMs(): number {
    return usualIntervalMs(this.#track.ticks, this.place, this.#intervalMs);
  }
}

/**
 * Returns the usual interval around a silence: the median distance of up to 20 neighbours on each side.
 * @param place index of the first reading after the silence
 */
export function usualIntervalMs(ticks: readonly number[], place: number, intervalMs: number): number {
  const distances: number[] = [];
  for (let n = Math.max(1, place - NEIGHBOURS); n < place; n++) distances.push(ticks[n]! - ticks[n - 1]!);
  for (let n = place + 1; n <= place + NEIGHBOURS && n < ticks.length; n++) distances.push(ticks[n]! - ticks[n - 1]!);
  if (distances.length === 0) return UNKNOWN_INTERVAL_MS;
  distances.sort((a, b) => a - b);
  const [low, high] = [distances[(distances.length - 1) >> 1]!, distances[distances.length >> 1]!];
  return ((low + high) / 2) * intervalMs;
}

/**
 * Derives the holds of one GPU or instance.
 * @param newest tick of the newest reading of the GPU, whatever the series
 */
export function deriveHolds(tracks: readonly Track[], newest: number, intervalMs: number): TickHold[] {
  const cursors = tracks.map((track) => new Cursor(track, intervalMs));
  const open = new Map<string, OpenHold>();
  const ended: TickHold[] = [];
  const isSilence = (ms: number, around: readonly Cursor[]): boolean =>
    ms >= SILENCE_MS && ms > SILENT_INTERVALS * Math.max(...around.map((cursor) => cursor.usualMs()));
  const end = (key: string, isOpen: boolean): void => {
    const hold = open.get(key)!;
    open.delete(key);
    ended.push({ key, from: hold.from, to: hold.last, open: isOpen });
  };
  const hasFallenSilent = ({ members }: OpenHold, tick: number): boolean => {
    const all = [...members];
    return isSilence((tick - Math.max(...all.map((cursor) => cursor.last))) * intervalMs, all);
  };

  for (;;) {
    const tick = Math.min(...cursors.map((cursor) => cursor.next));
    if (tick === Number.POSITIVE_INFINITY) break;
    const reading = cursors.filter((cursor) => cursor.next === tick);
    for (const [key, hold] of [...open]) {
      const concerned = reading.some((cursor) => hold.members.has(cursor) || cursor.named.includes(key));
      if (concerned && hasFallenSilent(hold, tick)) end(key, false);
    }
    for (const cursor of reading) {
      for (const key of cursor.namedBefore) if (open.has(key) && !cursor.named.includes(key)) end(key, false);
    }
    for (const cursor of reading) {
      const afterSilence = isSilence((tick - cursor.last) * intervalMs, [cursor]);
      for (const key of cursor.named) {
        const isTakenUp = afterSilence || !cursor.namedBefore.includes(key);
        if (isTakenUp && !open.has(key)) open.set(key, { from: tick, last: tick, members: new Set() });
      }
    }
    for (const cursor of reading) {
      for (const key of cursor.named) {
        const hold = open.get(key);
        hold?.members.add(cursor);
        if (hold !== undefined) hold.last = tick;
      }
      cursor.place++;
    }
  }
  for (const [key, hold] of [...open]) end(key, !hasFallenSilent(hold, newest));
  return ended;
}
