/** The functions of PromQL: what they take and return. */
import type { FunctionSignature, ValueType } from "./ast.ts";

type Row = readonly [parameters: string, names: string, variadic?: number, result?: ValueType];

const SHORT: Readonly<Record<string, ValueType>> = { v: "vector", m: "matrix", s: "scalar", t: "string" };

/** Parameters by their first letters: vector, matrix, scalar, text. */
const ROWS: readonly Row[] = [
  ["v", "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2"],
  ["v", "rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp"],
  ["v", "histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar"],
  ["v", "days_in_month day_of_month day_of_week day_of_year hour minute month year", 1],
  ["vs", "round", 1],
  ["vs", "clamp_max clamp_min"],
  ["vss", "clamp"],
  ["v", "scalar", 0, "scalar"],
  ["s", "vector"],
  ["", "time pi", 0, "scalar"],
  ["m", "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate"],
  ["m", "last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time"],
  ["m", "stdvar_over_time sum_over_time"],
  ["ms", "predict_linear"],
  ["sm", "quantile_over_time"],
  ["sv", "histogram_quantile"],
  ["ssv", "histogram_fraction"],
  ["vtttt", "label_replace"],
  ["vttt", "label_join", Number.POSITIVE_INFINITY],
];

export const SIGNATURES: ReadonlyMap<string, FunctionSignature> = new Map(
  ROWS.flatMap(([parameters, names, variadic = 0, result = "vector"]) =>
    names.split(" ").map((name): [string, FunctionSignature] => {
      return [name, { name, parameters: [...parameters].map((letter) => SHORT[letter]!), variadic, result }];
    }),
  ),
);

/** Behind a feature flag in Prometheus, so their meaning may still change. */
export const EXPERIMENTAL: ReadonlySet<string> = new Set([
  ...["double_exponential_smoothing", "end", "histogram_quantiles", "info", "integral", "mad_over_time", "max_of"],
  ...["min_of", "range", "sort_by_label", "sort_by_label_desc", "start", "start_timestamp", "step"],
  ...["ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time"],
]);
