/** Recognises constructs of MetricsQL, so that a query written for VictoriaMetrics is refused with their name. */

/** Functions of MetricsQL that people use most; PromQL has none of them. */
const FUNCTIONS = new Set([
  ...["label_move", "label_copy", "label_set", "label_del", "label_keep", "label_map", "label_match", "label_mismatch"],
  ...[
    "label_transform",
    "label_value",
    "label_lowercase",
    "label_uppercase",
    "label_graphite_group",
    "drop_common_labels",
  ],
  ...["alias", "union", "keep_last_value", "keep_next_value", "interpolate", "default_rollup", "rollup", "rollup_rate"],
  ...["rollup_increase", "rollup_delta", "rollup_deriv", "rollup_candlestick", "aggr_over_time", "quantiles_over_time"],
  ...[
    "range_avg",
    "range_max",
    "range_min",
    "range_sum",
    "range_first",
    "range_last",
    "range_median",
    "range_quantile",
  ],
  ...["running_avg", "running_max", "running_min", "running_sum", "remove_resets", "increase_pure", "rate_over_sum"],
  ...[
    "median",
    "median_over_time",
    "mode_over_time",
    "distinct_over_time",
    "distinct",
    "lag",
    "lifetime",
    "tmin_over_time",
  ],
  ...["tmax_over_time", "tfirst_over_time", "tlast_over_time", "integrate", "ideriv", "ascent_over_time", "share"],
  ...["share_gt_over_time", "share_le_over_time", "count_gt_over_time", "count_le_over_time", "count_eq_over_time"],
  ...["topk_avg", "topk_max", "topk_min", "topk_last", "topk_median", "bottomk_avg", "bottomk_max", "bottomk_min"],
  ...[
    "outliersk",
    "outliers_iqr",
    "outliers_mad",
    "quantiles",
    "sum2",
    "geomean",
    "mode",
    "any",
    "histogram",
    "zscore",
  ],
  ...[
    "limit_offset",
    "sort_by_label_numeric",
    "smooth_exponential",
    "bitmap_and",
    "bitmap_or",
    "bitmap_xor",
    "ru",
    "ttf",
  ],
  ...["prometheus_buckets", "buckets_limit", "histogram_share", "stale_samples_over_time", "scrape_interval", "now"],
]);

export const isMetricsqlFunction = (name: string): boolean => FUNCTIONS.has(name.toLowerCase());

const advice = (construct: string, instead: string): string => `${construct} is MetricsQL, not PromQL; ${instead}`;

export const functionAdvice = (name: string): string =>
  advice(`${name}()`, "use a function of PromQL, such as label_replace() or avg_over_time()");

export const ROLLUP_ADVICE = advice(
  "a range function without a range",
  "write the range in brackets, as in rate(metric[5m])",
);

export const RANGE_ADVICE = advice(
  "a range on an expression",
  "write a subquery with a colon, as in max_over_time((expression)[5m:])",
);

/** Patterns that start where the grammar gave up, or earlier in the text. */
const CONSTRUCTS: readonly (readonly [pattern: RegExp, construct: string, instead: string])[] = [
  [/^\s*with\s*\(/i, "WITH (…)", "write the templates out"],
  [/\bkeep_metric_names\b/i, "keep_metric_names", "PromQL drops the name; use label_replace() to keep it"],
  [/[)\]}\w]\s+default\b/i, "the operator default", "use or, as in a or vector(0)"],
  [/[)\]}\w]\s+ifnot\b/i, "the operator ifnot", "use unless"],
  [/[)\]}\w]\s+if\b/i, "the operator if", "use and"],
  [/\)\s*limit\s+\d+/i, "limit on an aggregation", "use topk()"],
  [/\[\s*\d+i\b/i, "a duration in steps (i)", "write a duration such as 5m"],
  [/\d+\.\d+(?:ms|[smhdwy])\b/, "a duration with a fraction", "write 90m instead of 1.5h"],
  [/\{[^{}"'`]*(?:"[^"]*"|'[^']*'|`[^`]*`)\s+or\s/i, "or between label matchers", "use or between two selectors"],
  [/\[\s*\]/, "an empty range", "write a duration such as 5m"],
];

/** What a text that is no PromQL is in MetricsQL; null when it is not that either. */
export function metricsqlAdvice(text: string): string | null {
  for (const [pattern, construct, instead] of CONSTRUCTS) if (pattern.test(text)) return advice(construct, instead);
  for (const [, name = ""] of text.matchAll(/\b([a-z_]\w*)\s*\(/gi)) {
    if (isMetricsqlFunction(name)) return functionAdvice(name);
  }
  return null;
}
