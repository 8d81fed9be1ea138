/** Two rules that every store keeps: how old a reading may be, and that positions only grow. */
import type { Clock } from "../platform/process/clock.ts";
import type { StoredPosition } from "./port.ts";

/** Blocks that end before this time are dropped when they arrive; a block that is partly older is kept whole. */
export const oldestKept = (clock: Clock, retentionMs: number): number =>
  retentionMs === 0 ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs;

export const isFurther = (next: StoredPosition, known: StoredPosition | undefined): boolean =>
  known === undefined || next.epoch > known.epoch || (next.epoch === known.epoch && next.seq > known.seq);
