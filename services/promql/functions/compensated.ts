/** Sums that do not lose small numbers beside large ones (Kahan and Neumaier), as Prometheus sums. */

/** What the sum of `sum` and `value` lost, added to what was lost before; nothing once the sum is out of range. */
export function lost(sum: number, value: number, before: number): number {
  const next = sum + value;
  const taken = next - sum;
  const error = sum - (next - taken) + (value - taken);
  return Number.isNaN(error) ? 0 : before + error;
}

export function sumOf(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  let rest = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    rest = lost(sum, value, rest);
    sum += value;
  }
  return Number.isFinite(sum) ? sum + rest : sum;
}

/** The mean of values whose sum is out of range, computed step by step. */
function incrementalMean(values: Float64Array, from: number, to: number): number {
  let sum = values[from]!;
  let mean = 0;
  let rest = 0;
  let isIncremental = false;
  for (let index = from + 1; index < to; index++) {
    const value = values[index]!;
    const count = index - from + 1;
    if (!isIncremental) {
      const next = sum + value;
      if (Math.abs(next) !== Number.POSITIVE_INFINITY) {
        rest = lost(sum, value, rest);
        sum = next;
        continue;
      }
      isIncremental = true;
      mean = sum / (count - 1);
      rest /= count - 1;
    }
    const share = (count - 1) / count;
    const before = mean * share;
    rest = lost(before, value / count, rest * share);
    mean = before + value / count;
  }
  const count = to - from;
  return isIncremental ? mean + rest : sum / count + rest / count;
}

export function meanOf(values: Float64Array, from: number, to: number): number {
  let sum = values[from]!;
  let rest = 0;
  for (let index = from + 1; index < to; index++) {
    const value = values[index]!;
    rest = lost(sum, value, rest);
    sum += value;
  }
  const count = to - from;
  if (Math.abs(sum) === Number.POSITIVE_INFINITY || Number.isNaN(sum)) return incrementalMean(values, from, to);
  return sum / count + rest / count;
}

/** Population variance. */
export function varianceOf(values: Float64Array, from: number, to: number): number {
  let mean = 0;
  let meanRest = 0;
  let squares = 0;
  let squaresRest = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    const delta = value - (mean + meanRest);
    const step = delta / (index - from + 1);
    meanRest = lost(mean, step, meanRest);
    mean += step;
    const square = delta * (value - (mean + meanRest));
    squaresRest = lost(squares, square, squaresRest);
    squares += square;
  }
  return (squares + squaresRest) / (to - from);
}

/** Sums of any part of a series in constant time: running sums of twice the precision of a number. */
export class PartSums {
  readonly #sums: Float64Array;
  readonly #rests: Float64Array;

  constructor(values: Float64Array) {
    this.#sums = new Float64Array(values.length + 1);
    this.#rests = new Float64Array(values.length + 1);
    for (let index = 0; index < values.length; index++) {
      const sum = this.#sums[index]!;
      const value = values[index]!;
      const rest = lost(sum, value, this.#rests[index]!);
      const whole = sum + value + rest;
      this.#sums[index + 1] = whole;
      this.#rests[index + 1] = sum + value - whole + rest;
    }
  }

  /** Whether a value or a running sum is out of range, so that parts cannot be told from it. */
  get isOutOfRange(): boolean {
    return !Number.isFinite(this.#sums.at(-1)!);
  }

  sum(from: number, to: number): number {
    const until = this.#sums[to]!;
    const before = -this.#sums[from]!;
    return until + before + lost(until, before, this.#rests[to]! - this.#rests[from]!);
  }
}
