/** Cuts a read-ahead into encoded batches of whole GPUs. What comes out depends on the read-ahead and the start alone. */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { BatchBuilder } from "../../../schema/batch/builder.ts";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import type { ReadAhead } from "./read-ahead.ts";
import { ReadingOrder } from "./reading-order.ts";

/** An encoded batch above this is divided, unless it is one GPU's tick. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface CutBatch {
  readonly batch: Batch;
  readonly body: Uint8Array;
  /** Readings of the read-ahead that are in this batch or an earlier one. */
  readonly end: number;
  /** Pairs that became one in this batch. */
  readonly merged: { readonly same: number; readonly differing: number };
}

export interface BatchCutter {
  /** The batch that begins at reading `from` of what the read-ahead holds. */
  cut(from: number, header: { producer: string; epoch: number; seq: number }): CutBatch;
  /** To be called when the read-ahead holds something else. */
  renew(): void;
}

/** `size`: readings in a batch at most, unless one GPU's tick has more; null: all there are. */
export function createBatchCutter(ahead: ReadAhead, builder: BatchBuilder, size: number | null): BatchCutter {
  let order: ReadingOrder | undefined;
  const { slots, at, values } = ahead;
  const fill = (from: number, end: number) => {
    if (end - from === ahead.length) {
      // The builder groups by GPU itself: for all at once, the order of the file will do.
      for (let entry = 0; entry < end; entry++) {
        builder.add(slots[entry] as number, at[entry] as number, values[entry] as number);
      }
      return;
    }
    const arranged = order as ReadingOrder;
    for (let index = from; index < end; index++) {
      const entry = arranged.entry(index);
      builder.add(slots[entry] as number, at[entry] as number, values[entry] as number);
    }
  };
  const endOf = (from: number, most: number): number => {
    if (from === 0 && most >= ahead.length) return ahead.length;
    order ??= new ReadingOrder(ahead);
    return order.cut(from, most);
  };
  return {
    cut(from, header) {
      let end = endOf(from, size ?? ahead.length);
      for (;;) {
        const { same, differing } = builder.merged;
        fill(from, end);
        const batch = builder.take(header);
        const body = encodeBatch(batch);
        const smaller = body.byteLength > MAX_BODY_BYTES ? endOf(from, (end - from) >> 1) : end;
        if (smaller < end) {
          end = smaller;
          continue;
        }
        const merged = { same: builder.merged.same - same, differing: builder.merged.differing - differing };
        return { batch, body, end, merged };
      }
    },
    renew() {
      order = undefined;
    },
  };
}
