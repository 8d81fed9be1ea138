/** Range functions that summarise the samples of a window. */
import { meanOf, PartSums, sumOf, varianceOf } from "./compensated.ts";
import type { Kernel } from "./kernel.ts";
import { quantileOfSorted, SortedWindow, sortAscending } from "./quantile.ts";

/** A kernel that looks at each window by itself. */
function perWindow(summary: (values: Float64Array, from: number, to: number) => number): Kernel {
  return ({ values }, { count, low, high }, output) => {
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const to = high[step]!;
      if (from < to) output.set(step, summary(values, from, to));
    }
  };
}

/** Keeps the extreme of the last window, and looks at all samples of a window only when it has left. */
function extreme(isBetter: (value: number, best: number) => boolean): Kernel {
  return ({ values }, { count, low, high }, output) => {
    let best = -1;
    let seen = 0;
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const to = high[step]!;
      if (from >= to) continue;
      if (best < from) {
        best = from;
        seen = from + 1;
      }
      for (; seen < to; seen++) {
        if (isBetter(values[seen]!, values[best]!) || Number.isNaN(values[best]!)) best = seen;
      }
      output.set(step, values[best]!);
    }
  };
}

/** How often the windows see each sample, from which on running sums pay off. */
const WORTH_RUNNING_SUMS = 8;

/** Sums of windows that overlap much are differences of running sums. */
function summed(direct: (values: Float64Array, from: number, to: number) => number, isMean: boolean): Kernel {
  const perSample = perWindow(direct);
  return (series, windows, output, scalars) => {
    const { values } = series;
    const { count, low, high } = windows;
    let seen = 0;
    for (let step = 0; step < count; step++) seen += high[step]! - low[step]!;
    const sums = seen > values.length * WORTH_RUNNING_SUMS ? new PartSums(values) : null;
    if (sums === null || sums.isOutOfRange) return perSample(series, windows, output, scalars);
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const to = high[step]!;
      if (from < to) output.set(step, isMean ? sums.sum(from, to) / (to - from) : sums.sum(from, to));
    }
  };
}

/** With a NaN in the series each window is sorted by itself, NaN first. */
function quantilesOfWindows(): Kernel {
  return ({ values }, { count, low, high }, output, [quantiles]) => {
    const window = values.some(Number.isNaN) ? null : new SortedWindow(values);
    for (let step = 0; step < count; step++) {
      const from = low[step]!;
      const to = high[step]!;
      if (from >= to) continue;
      let sorted: Float64Array;
      if (window === null) {
        sorted = values.slice(from, to);
        sortAscending(sorted, to - from);
      } else {
        window.moveTo(from, to);
        sorted = window.sorted;
      }
      output.set(step, quantileOfSorted(quantiles![step]!, sorted, to - from));
    }
  };
}

export const OVER_TIME_KERNELS: Readonly<Record<string, Kernel>> = {
  avg_over_time: summed(meanOf, true),
  sum_over_time: summed(sumOf, false),
  count_over_time: perWindow((_, from, to) => to - from),
  min_over_time: extreme((value, best) => value < best),
  max_over_time: extreme((value, best) => value > best),
  first_over_time: perWindow((values, from) => values[from]!),
  last_over_time: perWindow((values, _, to) => values[to - 1]!),
  present_over_time: perWindow(() => 1),
  absent_over_time: perWindow(() => 1),
  stddev_over_time: perWindow((values, from, to) => Math.sqrt(varianceOf(values, from, to))),
  stdvar_over_time: perWindow(varianceOf),
  quantile_over_time: quantilesOfWindows(),
};
