/** Rules of every store: how old a reading may be, and that positions only advance. */
import type { Clock } from "../platform/process/clock.ts";
import type { StoredPosition } from "./port.ts";

/** `save` drops blocks that end before this time. A block that is only partly older is kept whole. */
export const oldestKept = (clock: Clock, retentionMs: number): number =>
  retentionMs === 0 ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs;

export const isFurther = (next: StoredPosition, known: StoredPosition | undefined): boolean =>
  known === undefined || next.epoch > known.epoch || (next.epoch === known.epoch && next.seq > known.seq);
