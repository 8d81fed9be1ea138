/** Puts the readings and marks of a tick into the builder of a batch. */
import type { BatchBuilder } from "../../../schema/batch/builder.ts";
import type { Tick } from "./target-series.ts";

export function addTick(builder: BatchBuilder, { meanings, times, values }: Tick): void {
  for (const [index, { facts, series, holders }] of meanings.entries()) {
    builder.add(builder.slot(facts, series, holders), times[index] as number, values[index] as number);
  }
}

/** Ends series at a time. */
export function addMarks(builder: BatchBuilder, meanings: Tick["meanings"], at: number): void {
  for (const { facts, series, holders } of meanings) builder.add(builder.slot(facts, series, holders), at, Number.NaN);
}
