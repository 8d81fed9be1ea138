/** histogram_quantile and histogram_fraction over classic histograms: one series per bucket. */
import { type Bucket, bucketFraction, bucketQuantile } from "../functions/buckets.ts";
import { BUCKET_LABEL, filterLabels, keyOf, type Labels, labelValue, METRIC_NAME } from "../labels.ts";
import type { Expr } from "../parse/ast.ts";
import { type Block, createBlock, dropNames } from "./block.ts";
import { type Grid, gridTime } from "./grid.ts";
import type { Query } from "./query.ts";

/** NaN for what is no number. */
function upperBound(label: string): number {
  if (/^[+]?inf(inity)?$/i.test(label)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(label)) return Number.NEGATIVE_INFINITY;
  return /^[-+]?(\d|\.\d)/.test(label) ? Number(label) : Number.NaN;
}

interface Histogram {
  readonly labels: Labels;
  readonly dropMark: number;
  readonly buckets: { readonly row: number; readonly upper: number }[];
}

function histogramsOf(block: Block, argument: Expr, query: Query): Histogram[] {
  const histograms = new Map<string, Histogram>();
  block.labels.forEach((labels, row) => {
    const label = labelValue(labels, BUCKET_LABEL);
    const upper = upperBound(label);
    if (Number.isNaN(upper)) {
      const values = block.present.subarray(row * block.steps, (row + 1) * block.steps);
      const metric = query.state.delayedNames ? labelValue(labels, METRIC_NAME) : "";
      if (values.includes(1)) query.state.remarks.badBucket(metric, label, argument.span);
      return;
    }
    const rest = filterLabels(labels, (name) => name !== BUCKET_LABEL);
    const key = keyOf(rest);
    const known = histograms.get(key);
    if (known !== undefined) known.buckets.push({ row, upper });
    else histograms.set(key, { labels: rest, dropMark: block.dropName?.[row] ?? 0, buckets: [{ row, upper }] });
  });
  return [...histograms.values()];
}

/** Computes a value for each histogram and step from the buckets that have one. */
async function perHistogram(
  block: Block,
  argument: Expr,
  query: Query,
  compute: (buckets: Bucket[], step: number, histogram: Histogram) => number,
): Promise<Block> {
  const { steps, values, present } = block;
  const histograms = histogramsOf(block, argument, query);
  query.state.usage.hold(histograms.length * steps);
  const result = createBlock(histograms.length, steps);
  for (const [row, histogram] of histograms.entries()) {
    result.labels.push(histogram.labels);
    for (let step = 0; step < steps; step++) {
      const buckets: Bucket[] = [];
      for (const bucket of histogram.buckets) {
        const cell = bucket.row * steps + step;
        if (present[cell] === 1) buckets.push({ upper: bucket.upper, count: values[cell]! });
      }
      if (buckets.length === 0) continue;
      result.values[row * steps + step] = compute(buckets, step, histogram);
      result.present[row * steps + step] = 1;
    }
    if (query.isDue(histogram.buckets.length * steps)) await query.pause();
  }
  return dropNames(result, query.state.delayedNames);
}

export async function histogramQuantile(
  quantiles: Float64Array,
  block: Block,
  [quantileExpr, argument]: readonly [Expr, Expr],
  grid: Grid,
  query: Query,
): Promise<Block> {
  const { remarks, delayedNames } = query.state;
  const wrong = quantiles.find((quantile) => !(quantile >= 0 && quantile <= 1));
  if (wrong !== undefined) remarks.badQuantile(wrong, quantileExpr.span);
  return perHistogram(block, argument, query, (buckets, step, histogram) => {
    const { value, forced } = bucketQuantile(quantiles[step]!, buckets);
    if (forced !== null) {
      const metric = delayedNames ? labelValue(histogram.labels, METRIC_NAME) : "";
      remarks.forcedMonotonicity(metric, argument.span, { at: gridTime(grid, step), ...forced });
    }
    return value;
  });
}

export const histogramFraction = (
  lower: Float64Array,
  upper: Float64Array,
  block: Block,
  argument: Expr,
  query: Query,
): Promise<Block> =>
  perHistogram(block, argument, query, (buckets, step) => bucketFraction(lower[step]!, upper[step]!, buckets));
