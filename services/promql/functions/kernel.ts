/** What a range function computes: for one series, the values of all steps. */
import type { Windows } from "../evaluate/windows.ts";

/** Where a kernel puts the values of one series; steps that it does not set have no value. */
export interface KernelOutput {
  set(step: number, value: number): void;
}

/**
 * @param series times in milliseconds and values of one series
 * @param windows which of them each step sees
 * @param scalars of each scalar argument, the values of all steps
 */
export type Kernel = (
  series: { readonly times: Float64Array; readonly values: Float64Array },
  windows: Windows,
  output: KernelOutput,
  scalars: readonly Float64Array[],
) => void;
