/** Range functions that fit a line through a window's samples: deriv, predict_linear. */
import { lost } from "./compensated.ts";
import type { Kernel } from "./kernel.ts";

interface Line {
  /** Per second. */
  slope: number;
  /** The line's value at the time that was asked for. */
  intercept: number;
}

/** Least squares over `[from, to)`; `origin` in milliseconds. */
function fit(times: Float64Array, values: Float64Array, from: number, to: number, origin: number): Line {
  let sumX = 0;
  let restX = 0;
  let sumY = 0;
  let restY = 0;
  let sumXY = 0;
  let restXY = 0;
  let sumXX = 0;
  let restXX = 0;
  const first = values[from]!;
  let isConstant = true;
  for (let index = from; index < to; index++) {
    const y = values[index]!;
    const x = (times[index]! - origin) / 1000;
    if (index > from && y !== first) isConstant = false;
    restX = lost(sumX, x, restX);
    sumX += x;
    restY = lost(sumY, y, restY);
    sumY += y;
    restXY = lost(sumXY, x * y, restXY);
    sumXY += x * y;
    restXX = lost(sumXX, x * x, restXX);
    sumXX += x * x;
  }
  if (isConstant) {
    return Math.abs(first) === Number.POSITIVE_INFINITY
      ? { slope: Number.NaN, intercept: Number.NaN }
      : { slope: 0, intercept: first };
  }
  const count = to - from;
  const x = sumX + restX;
  const y = sumY + restY;
  const covariance = sumXY + restXY - (x * y) / count;
  const variance = sumXX + restXX - (x * x) / count;
  const slope = covariance / variance;
  return { slope, intercept: y / count - (slope * x) / count };
}

const deriv: Kernel = ({ times, values }, { count, low, high }, output) => {
  for (let step = 0; step < count; step++) {
    const from = low[step]!;
    const to = high[step]!;
    // Times near the origin keep their precision.
    if (to - from >= 2) output.set(step, fit(times, values, from, to, times[from]!).slope);
  }
};

const predictLinear: Kernel = ({ times, values }, { count, at, low, high }, output, [seconds]) => {
  for (let step = 0; step < count; step++) {
    const from = low[step]!;
    const to = high[step]!;
    if (to - from < 2) continue;
    const { slope, intercept } = fit(times, values, from, to, at[step]!);
    output.set(step, slope * seconds![step]! + intercept);
  }
};

export const REGRESSION_KERNELS: Readonly<Record<string, Kernel>> = { deriv, predict_linear: predictLinear };
