/**
 * Regroups readings that arrive metric by metric into a batch of whole GPUs. Two readings of one series and time are
 * one: the larger value wins. Sightings follow the facts of the rows.
 */
import type { Batch } from "./batch.ts";
import type { GpuFacts } from "./gpu.ts";
import type { Series } from "./reading.ts";

/** Facts and series are interned once by `slot()`; per reading only numbers move. */
export interface BatchBuilder {
  /** Readings added since the last `take()`, before merging. */
  readonly size: number;
  /** A number that stands for this GPU with these facts and this series; stable for the builder's life. */
  slot(facts: GpuFacts, series: Series): number;
  add(slot: number, at: number, value: number): void;
  /** Seals everything added; the builder is empty afterwards, its slots stay valid. */
  take(header: { producer: string; epoch: number; seq: number }): Batch;
  /** (series, time) pairs that came twice and were merged, and those of them whose values differed; running totals. */
  readonly merged: { readonly same: number; readonly differing: number };
}

export function createBatchBuilder(): BatchBuilder {
  throw new Error("not implemented");
}
