/** Compares a query's result with what a test script expects. */
import { formatLabels, keyOf, type Labels } from "../../../services/promql/labels.ts";
import type { QueryResult, ResultSeries } from "../../../services/promql/promql.ts";
import type { Eval } from "./script.ts";

const EPSILON = 1e-6;
const MIN_NORMAL = 2 ** -1022;

/** Equal up to a relative error, as Prometheus' own tests compare. */
function almostEqual(a: number, b: number, epsilon = EPSILON): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < epsilon * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < epsilon;
}

/** Time and value of each expected point. */
function expectedPoints(one: Eval, points: Eval["series"][number]["points"]): [number, number][] {
  const grid = one.vectorTimes ?? { startMs: one.startMs, stepMs: one.range?.stepMs ?? 0 };
  return points.flatMap((point, index): [number, number][] =>
    point.kind === "value" ? [[grid.startMs + index * grid.stepMs, point.value]] : [],
  );
}

function compareSeries(one: Eval, actual: readonly ResultSeries[]): string | null {
  const found = new Map(actual.map((series) => [keyOf(series.labels), series]));
  if (found.size !== actual.length) return "two series of the result have equal labels";
  for (const { labels, points } of one.series) {
    const series = found.get(keyOf(labels));
    found.delete(keyOf(labels));
    const expected = expectedPoints(one, points);
    if (series === undefined) {
      if (expected.length === 0 && points.every(({ kind }) => kind === "none")) continue;
      return `${formatLabels(labels)} is missing`;
    }
    if (points.some(({ kind }) => kind === "histogram")) return `${formatLabels(labels)} must be a histogram`;
    if (series.times.length !== expected.length) {
      return `${formatLabels(labels)} must have ${expected.length} points, got ${series.times.length}`;
    }
    for (const [index, [time, value]] of expected.entries()) {
      const [at, got] = [series.times[index]!, series.values[index]!];
      if (at !== time || !almostEqual(got, value)) {
        return `${formatLabels(labels)} must be ${value} at ${time}, got ${got} at ${at}`;
      }
    }
  }
  const [extra] = found.values();
  return extra === undefined ? null : `${formatLabels(extra.labels)} is unexpected`;
}

const seriesOf = (labels: Labels, time: number, value: number): ResultSeries => ({
  labels,
  times: Float64Array.of(time),
  values: Float64Array.of(value),
});

/** What is wrong with the data of a result; null when nothing is. */
export function compareData(one: Eval, { data }: QueryResult): string | null {
  switch (data.type) {
    case "string":
      return data.value === one.text ? null : `must be the text ${one.text}, got ${data.value}`;
    case "scalar": {
      if (one.scalar === null) return `must be a vector, got the scalar ${data.value}`;
      return almostEqual(data.value, one.scalar) ? null : `must be ${one.scalar}, got ${data.value}`;
    }
    case "vector": {
      if (one.scalar !== null) return "must be a scalar, got a vector";
      if (one.expectations.some(({ kind }) => kind === "ordered")) {
        const order = one.series.map(({ labels }) => keyOf(labels)).join("\n");
        const got = data.labels.map(keyOf).join("\n");
        if (got !== order) return `order must be ${order}, got ${got}`;
      }
      const series = data.labels.map((labels, row) => seriesOf(labels, one.startMs, data.values[row]!));
      return compareSeries(one, series);
    }
    default:
      if (one.scalar !== null) return "must be a scalar, got a matrix";
      return compareSeries(one, data.series);
  }
}

function compareRemarks(one: Eval, kind: "warn" | "info", got: readonly string[]): string | null {
  const wanted = one.expectations.filter((expectation) => expectation.kind === kind);
  if (one.expectations.some((expectation) => expectation.kind === `no_${kind}`)) {
    return got.length === 0 ? null : `must have no ${kind}, got ${got.join("; ")}`;
  }
  if (wanted.length === 0) return null;
  if (got.length === 0) return `must have a ${kind}, got none`;
  const isMissing = wanted.some((expectation) => !got.some((message) => expectation.matches(message)));
  const isExtra = got.some((message) => !wanted.some((expectation) => expectation.matches(message)));
  return isMissing || isExtra ? `must have the expected ${kind}, got ${got.join("; ")}` : null;
}

/** What is wrong with the warnings and infos of a result; null when nothing is. */
export const compareAllRemarks = (one: Eval, { warnings, infos }: QueryResult): string | null =>
  compareRemarks(one, "warn", warnings) ?? compareRemarks(one, "info", infos);
