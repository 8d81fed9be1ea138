/** Range functions about how a series rises: rate, increase, delta, irate, idelta, resets, changes. */
import type { Kernel } from "./kernel.ts";

/** Indexes at which a counter starts again: its value is below the one before. */
function resetsOf(values: Float64Array): number[] {
  const resets: number[] = [];
  for (let index = 1; index < values.length; index++) if (values[index]! < values[index - 1]!) resets.push(index);
  return resets;
}

interface RateKind {
  readonly isCounter: boolean;
  readonly isPerSecond: boolean;
}

/** Sampled closer to the window's edge than this share of the usual distance counts as reaching it. */
const REACH = 1.1;

/** The difference of a window's ends, extrapolated to the window. */
function extrapolated({ isCounter, isPerSecond }: RateKind): Kernel {
  return ({ times, values }, { count, range, ends, low, high }, output) => {
    const resets = isCounter ? resetsOf(values) : [];
    let nextReset = 0;
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const last = high[step]! - 1;
      if (last - from < 1) continue;
      let result = values[last]! - values[from]!;
      while (nextReset < resets.length && resets[nextReset]! <= from) nextReset++;
      for (let at = nextReset; at < resets.length && resets[at]! <= last; at++) result += values[resets[at]! - 1]!;
      const sampled = (times[last]! - times[from]!) / 1000;
      const distance = sampled / (last - from);
      let toStart = (times[from]! - (ends[step]! - range)) / 1000;
      let toEnd = (ends[step]! - times[last]!) / 1000;
      if (toStart >= distance * REACH) toStart = distance / 2;
      if (isCounter && result > 0 && values[from]! >= 0) {
        // A counter is never negative: where it would reach zero, it begins.
        toStart = Math.min(toStart, sampled * (values[from]! / result));
      }
      if (toEnd >= distance * REACH) toEnd = distance / 2;
      let factor = (sampled + toStart + toEnd) / sampled;
      if (isPerSecond) factor /= range / 1000;
      output.set(step, result * factor);
    }
  };
}

function lastTwo(isRate: boolean): Kernel {
  return ({ times, values }, { count, low, high }, output) => {
    for (let step = 0; step < count; step++) {
      const last = high[step]! - 1;
      if (last - low[step]! < 1) continue;
      const value = values[last]!;
      const before = values[last - 1]!;
      if (!isRate) output.set(step, value - before);
      else output.set(step, (value < before ? value : value - before) / ((times[last]! - times[last - 1]!) / 1000));
    }
  };
}

/** Counts the neighbours in a window that differ in some way. */
function countPairs(differ: (before: number, value: number) => boolean): Kernel {
  return ({ values }, { count, low, high }, output) => {
    const until = new Int32Array(values.length);
    for (let index = 1; index < values.length; index++) {
      until[index] = until[index - 1]! + (differ(values[index - 1]!, values[index]!) ? 1 : 0);
    }
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const to = high[step]!;
      if (from < to) output.set(step, until[to - 1]! - until[from]!);
    }
  };
}

export const RATE_KERNELS: Readonly<Record<string, Kernel>> = {
  rate: extrapolated({ isCounter: true, isPerSecond: true }),
  increase: extrapolated({ isCounter: true, isPerSecond: false }),
  delta: extrapolated({ isCounter: false, isPerSecond: false }),
  irate: lastTwo(true),
  idelta: lastTwo(false),
  resets: countPairs((before, value) => value < before),
  changes: countPairs((before, value) => value !== before && !(Number.isNaN(value) && Number.isNaN(before))),
};
