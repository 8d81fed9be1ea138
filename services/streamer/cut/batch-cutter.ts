/** Cuts a read-ahead into encoded batches of whole GPUs. The result depends only on the read-ahead and the start. */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { DifferingRows } from "../../../schema/batch/block-cutter.ts";
import type { BatchBuilder } from "../../../schema/batch/builder.ts";
import { tryToEncodeBatch } from "../../../schema/batch/codec.ts";
import { AppError } from "../../../schema/model/errors.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { ReadAhead } from "./read-ahead.ts";
import { ReadingOrder } from "./reading-order.ts";

/** Larger encoded batches are divided, unless they are one GPU's tick. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface CutBatch {
  readonly batch: Batch;
  readonly body: Uint8Array;
  /** Up to which entry of the read-ahead this batch and all batches before it go. */
  readonly end: number;
  /** Readings that went into this batch, before merging. */
  readonly readings: number;
  /** Readings dropped from this batch because another had the same series and time, by whether values were equal. */
  readonly merged: { readonly same: number; readonly differing: number };
  /** By series: the earliest readings with differing values that were merged. */
  readonly differing: ReadonlyMap<Series, DifferingRows>;
}

export interface BatchCutter {
  /** Returns the batch that starts at entry `from` of the read-ahead; null if no reading is left. */
  cut(from: number, header: { producer: string; epoch: number; seq: number }): CutBatch | null;
  /** Must be called when the contents of the read-ahead have changed. */
  renew(): void;
}

/** @param size maximum of readings in a batch, unless one GPU's tick has more; null: no limit */
export function createBatchCutter(ahead: ReadAhead, builder: BatchBuilder, size: number | null): BatchCutter {
  let order: ReadingOrder | undefined;
  const { slots, at, values } = ahead;
  const add = (entry: number) => {
    const value = values[entry] as number;
    if (!Number.isNaN(value)) builder.add(slots[entry] as number, at[entry] as number, value);
  };
  const fill = (from: number, end: number) => {
    if (end - from === ahead.length) {
      // The builder groups by GPU itself, so a batch of everything needs no other order.
      for (let entry = 0; entry < end; entry++) add(entry);
      return;
    }
    const arranged = order as ReadingOrder;
    for (let index = from; index < end; index++) add(arranged.entry(index));
  };
  const endOf = (from: number, most: number): number => {
    if (from === 0 && most >= ahead.length) return ahead.length;
    order ??= new ReadingOrder(ahead);
    return order.cut(from, most);
  };
  return {
    cut(start, header) {
      let from = start;
      let end = endOf(from, size ?? ahead.length);
      for (;;) {
        const { same, differing } = builder.merged;
        fill(from, end);
        const readings = builder.size;
        if (readings === 0) {
          if (end === ahead.length) return null;
          from = end;
          end = endOf(from, size ?? ahead.length);
          continue;
        }
        const batch = builder.take(header);
        const body = tryToEncodeBatch(batch);
        const isLarge = body instanceof AppError || body.byteLength > MAX_BODY_BYTES;
        const smaller = isLarge ? endOf(from, (end - from) >> 1) : end;
        if (smaller < end) {
          end = smaller;
          continue;
        }
        if (body instanceof AppError) throw body;
        const merged = { same: builder.merged.same - same, differing: builder.merged.differing - differing };
        return { batch, body, end, readings, merged, differing: builder.differing };
      }
    },
    renew() {
      order = undefined;
    },
  };
}
