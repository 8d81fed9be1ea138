/**
 * PromQL over columns: parses a query and evaluates it on the series of a source. Knows labels and times, nothing of
 * what they mean.
 *
 * The language is that of Prometheus 3 for float samples. Refused, each with a message that says so: native
 * histograms, what Prometheus has behind feature flags, MetricsQL.
 */

import { invalid } from "./errors.ts";
import { applyDroppedNames, type Block } from "./evaluate/block.ts";
import { Evaluation } from "./evaluate/expression.ts";
import { type Grid, gridBetween, gridTimes } from "./evaluate/grid.ts";
import { Query } from "./evaluate/query.ts";
import { rangeVectorOf } from "./evaluate/range-call.ts";
import { slide } from "./evaluate/windows.ts";
import { compareLabels, dropMetadata, type Labels } from "./labels.ts";
import { DEFAULT_LIMITS, type Limits, Usage } from "./limits.ts";
import { type Expr, typeOf, unwrap } from "./parse/ast.ts";
import { typeName } from "./parse/check.ts";
import { parse } from "./parse/parse.ts";
import { Remarks } from "./remarks.ts";
import type { SeriesSource } from "./source.ts";

export interface QueryOptions {
  readonly source: SeriesSource;
  /** Aborting it ends the query with a PromqlError `canceled`. */
  readonly signal: AbortSignal;
  readonly limits?: Partial<Limits>;
  /** Milliseconds that an instant selector looks back; 5 minutes by default. */
  readonly lookback?: number;
  /** Milliseconds between evaluations of a subquery that names no step; 1 minute by default. */
  readonly subqueryStep?: number;
  /** Drop metric names at the query's end (Prometheus' feature promql-delayed-name-removal); false by default. */
  readonly delayedNames?: boolean;
  /** Whether a metric is a counter although its name does not say so; without it, rate() remarks on such names. */
  readonly isCounter?: (metric: string) => boolean;
}

/** Values of one series; the arrays may be shared with others, so do not change them. */
export interface ResultSeries {
  readonly labels: Labels;
  /** Milliseconds since 1970, ascending. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export type ResultData =
  | { readonly type: "scalar"; readonly time: number; readonly value: number }
  | { readonly type: "string"; readonly time: number; readonly value: string }
  /** All values have one time; `values` is as long as `labels`. */
  | {
      readonly type: "vector";
      readonly time: number;
      readonly labels: readonly Labels[];
      readonly values: Float64Array;
    }
  /** Sorted by labels; each series has at least one value. */
  | { readonly type: "matrix"; readonly series: readonly ResultSeries[] };

export interface QueryResult {
  readonly data: ResultData;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

interface Times {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

const LOOKBACK_MS = 300_000;
const SUBQUERY_STEP_MS = 60_000;

function createQuery(text: string, options: QueryOptions, times: Times): Query {
  return new Query({
    source: options.source,
    usage: new Usage({ ...DEFAULT_LIMITS, ...options.limits }),
    remarks: new Remarks(text),
    signal: options.signal,
    ...times,
    lookback: options.lookback ?? LOOKBACK_MS,
    subqueryStep: options.subqueryStep ?? SUBQUERY_STEP_MS,
    delayedNames: options.delayedNames ?? false,
    isCounter: options.isCounter ?? (() => false),
  });
}

const bySeries = (a: ResultSeries, b: ResultSeries): number => compareLabels(a.labels, b.labels);

function matrixOf(block: Block, grid: Grid): ResultSeries[] {
  const { labels, values, present, steps } = applyDroppedNames(block);
  const times = gridTimes(grid);
  const series = labels.flatMap((row, index): ResultSeries[] => {
    const from = index * steps;
    const mask = present.subarray(from, from + steps);
    const own = values.subarray(from, from + steps);
    if (!mask.includes(1)) return [];
    if (!mask.includes(0)) return [{ labels: row, times, values: own }];
    const keep = (_: number, step: number): boolean => mask[step] === 1;
    return [{ labels: row, times: times.filter(keep), values: own.filter(keep) }];
  });
  return series.sort(bySeries);
}

function vectorOf(block: Block, time: number): ResultData {
  const { labels, values, present } = applyDroppedNames(block);
  const rows = labels.map((_, row) => row).filter((row) => present[row] === 1);
  return {
    type: "vector",
    time,
    labels: rows.map((row) => labels[row]!),
    values: Float64Array.from(rows, (row) => values[row]!),
  };
}

/** The samples of a range vector, as they are. */
async function samplesOf(expr: Expr, grid: Grid, query: Query): Promise<ResultSeries[]> {
  if (expr.kind !== "matrix" && expr.kind !== "subquery") throw new Error(`must be a range vector, got ${expr.kind}`);
  const { series, windows } = await rangeVectorOf(expr, grid, query, null, new Evaluation(query));
  const found = series.flatMap(({ labels, times, values, dropName }): ResultSeries[] => {
    slide(windows, times);
    const [from, to] = [windows.low[0]!, windows.high[0]!];
    if (from === to) return [];
    const named = dropName === 1 ? dropMetadata(labels) : labels;
    return [{ labels: named, times: times.subarray(from, to), values: values.subarray(from, to) }];
  });
  return found.sort(bySeries);
}

function resultOf(data: ResultData, query: Query): QueryResult {
  const { warnings, infos } = query.state.remarks;
  return { data, warnings, infos };
}

/**
 * Evaluates a query at one time.
 *
 * @param time milliseconds since 1970
 * @throws PromqlError
 */
export async function queryInstant(text: string, time: number, options: QueryOptions): Promise<QueryResult> {
  const expr = unwrap(parse(text));
  const query = createQuery(text, options, { start: time, end: time, step: 0 });
  const grid: Grid = { start: time, step: 1, count: 1 };
  const evaluation = new Evaluation(query);
  switch (typeOf(expr)) {
    case "string":
      return resultOf({ type: "string", time, value: expr.kind === "string" ? expr.value : "" }, query);
    case "scalar":
      return resultOf({ type: "scalar", time, value: (await evaluation.scalar(expr, grid))[0]! }, query);
    case "vector":
      return resultOf(vectorOf(await evaluation.vector(expr, grid), time), query);
    default:
      return resultOf({ type: "matrix", series: await samplesOf(expr, grid, query) }, query);
  }
}

/**
 * Evaluates a query at `start`, `start + step`, … up to `end`, in milliseconds.
 *
 * @throws PromqlError
 */
export async function queryRange(
  text: string,
  { start, end, step }: { readonly start: number; readonly end: number; readonly step: number },
  options: QueryOptions,
): Promise<QueryResult> {
  if (!(step > 0)) throw invalid(`step must be greater than 0, got ${step / 1000} s`);
  if (!(end >= start)) throw invalid(`end must not be before start, got ${end} before ${start}`);
  const expr = unwrap(parse(text));
  const type = typeOf(expr);
  if (type !== "scalar" && type !== "vector") {
    throw invalid(`invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`);
  }
  const query = createQuery(text, options, { start, end, step });
  const grid = gridBetween(start, end, step);
  query.state.usage.steps(grid.count);
  const evaluation = new Evaluation(query);
  if (type === "vector") {
    return resultOf({ type: "matrix", series: matrixOf(await evaluation.vector(expr, grid), grid) }, query);
  }
  const values = await evaluation.scalar(expr, grid);
  return resultOf({ type: "matrix", series: [{ labels: [], times: gridTimes(grid), values }] }, query);
}

export { PromqlError } from "./errors.ts";
export { type Labels, labelsOf, labelValue } from "./labels.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export type { Matcher } from "./matcher.ts";
export { formatNumber } from "./number.ts";
export type { SelectRequest, SeriesSource, SourceSeries } from "./source.ts";
