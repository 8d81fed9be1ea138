/** Range functions that summarise the samples of a window. */
import { meanOf, sumOf, varianceOf } from "./compensated.ts";
import type { Kernel } from "./kernel.ts";
import { quantileOfSorted, sortAscending } from "./quantile.ts";

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

const quantileOverTime: Kernel = ({ values }, { count, low, high }, output, [quantiles]) => {
  let window = new Float64Array(64);
  for (let step = 0; step < count; step++) {
    const from = low[step]!;
    const to = high[step]!;
    if (from >= to) continue;
    const size = to - from;
    if (size > window.length) window = new Float64Array(size * 2);
    window.set(values.subarray(from, to));
    sortAscending(window, size);
    output.set(step, quantileOfSorted(quantiles![step]!, window, size));
  }
};

export const OVER_TIME_KERNELS: Readonly<Record<string, Kernel>> = {
  avg_over_time: perWindow(meanOf),
  sum_over_time: perWindow(sumOf),
  count_over_time: perWindow((_, from, to) => to - from),
  min_over_time: extreme((value, best) => value < best),
  max_over_time: extreme((value, best) => value > best),
  first_over_time: perWindow((values, from) => values[from]!),
  last_over_time: perWindow((values, _, to) => values[to - 1]!),
  present_over_time: perWindow(() => 1),
  absent_over_time: perWindow(() => 1),
  stddev_over_time: perWindow((values, from, to) => Math.sqrt(varianceOf(values, from, to))),
  stdvar_over_time: perWindow(varianceOf),
  quantile_over_time: quantileOverTime,
};
