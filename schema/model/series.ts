/** Makes series names out of metrics and labels. */
import type { Brand } from "./brand.ts";
import { canonicalMetric } from "./metric.ts";
import type { Series } from "./reading.ts";

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

/** The labels of a series in braces, or nothing: `{GPU_I_ID="7",xid="31"}`. */
export type SeriesLabels = Brand<string, "SeriesLabels">;

/** @param labels those that distinguish readings, each once; empty ones are left out */
export function seriesLabels(labels: Iterable<readonly [name: string, value: string]>): SeriesLabels {
  const given = [...labels].filter(([, value]) => value !== "");
  if (given.length === 0) return "" as SeriesLabels;
  const inBraces = given.sort(byName).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${inBraces.join(",")}}` as SeriesLabels;
}

/** @param metric a canonical name */
export const seriesOf = (metric: string, labels: SeriesLabels): Series => `${metric}${labels}` as Series;

/** Returns the canonical metric name of a series. Earlier releases stored some series under an alias. */
export function metricOf(series: Series): string {
  const brace = series.indexOf("{");
  return canonicalMetric(brace === -1 ? series : series.slice(0, brace));
}
