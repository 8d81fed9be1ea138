/**
 * The same samples and expressions given to a real Prometheus and to our evaluator. The samples keep away from what
 * Prometheus 2 and 3 do differently: no sample is at the edge of a window, no counter is near zero.
 */
import { afterAll, expect, test } from "bun:test";
import { formatLabels, keyOf, type Labels } from "../../services/promql/labels.ts";
import { type QueryOptions, type QueryResult, queryInstant, queryRange } from "../../services/promql/promql.ts";
import { expressions } from "../support/promql/expressions.ts";
import { FLEET_START, gpuSeries } from "../support/promql/gpu-series.ts";
import { MemorySource } from "../support/promql/memory-source.ts";
import { type AnsweredSeries, startPrometheus } from "../support/promql/prometheus-server.ts";

const EPSILON = 1e-9;
/** Between samples, and at no multiple of a subquery's step. */
const START = FLEET_START + 3600 + 3.5;
const RANGE = { start: START, end: START + 1800, step: 30 };

const series = gpuSeries();
const server = await startPrometheus(series);
afterAll(() => server[Symbol.asyncDispose]());

const options: QueryOptions = { source: new MemorySource(series), signal: new AbortController().signal };

function ourSeries({ data }: QueryResult): AnsweredSeries[] {
  const one = (labels: Labels, time: number, value: number): AnsweredSeries => ({
    labels,
    points: [[time / 1000, value]],
  });
  switch (data.type) {
    case "scalar":
      return [one([], data.time, data.value)];
    case "vector":
      return data.labels.map((labels, row) => one(labels, data.time, data.values[row]!));
    case "matrix":
      return data.series.map(({ labels, times, values }) => ({
        labels,
        points: Array.from(times, (time, index): [number, number] => [time / 1000, values[index]!]),
      }));
    default:
      throw new Error(`result must be numbers, got ${data.type}`);
  }
}

const isEqual = (a: number, b: number): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= EPSILON * Math.max(1, Math.abs(a), Math.abs(b));

function difference(ours: readonly AnsweredSeries[], theirs: readonly AnsweredSeries[]): string | null {
  const expected = new Map(theirs.map((one) => [keyOf(one.labels), one.points]));
  for (const { labels, points } of ours) {
    const wanted = expected.get(keyOf(labels));
    if (wanted === undefined) return `${formatLabels(labels)} is unexpected`;
    expected.delete(keyOf(labels));
    if (wanted.length !== points.length)
      return `${formatLabels(labels)} has ${points.length} of ${wanted.length} points`;
    for (const [index, [time, value]] of wanted.entries()) {
      const [at, got] = points[index]!;
      if (at !== time || !isEqual(got, value))
        return `${formatLabels(labels)} is ${got} at ${at}, not ${value} at ${time}`;
    }
  }
  return expected.size === 0 ? null : `${expected.size} series are missing`;
}

test("at least 300 expressions give what Prometheus gives, at one time and over a range", async () => {
  const queries = expressions();
  const differences: string[] = [];
  let withResult = 0;
  for (const query of queries) {
    const theirs = await server.queryRange(query, RANGE.start, RANGE.end, RANGE.step);
    const times = { start: RANGE.start * 1000, end: RANGE.end * 1000, step: RANGE.step * 1000 };
    const inRange = difference(ourSeries(await queryRange(query, times, options)), theirs);
    if (inRange !== null) differences.push(`${query}: ${inRange}`);
    const now = await server.queryInstant(query, RANGE.end);
    const atOnce = difference(ourSeries(await queryInstant(query, RANGE.end * 1000, options)), now);
    if (atOnce !== null) differences.push(`${query} (instant): ${atOnce}`);
    if (theirs.length > 0) withResult++;
  }
  console.log(`# ${queries.length} expressions compared with Prometheus, ${withResult} of them with a result`);
  expect(differences).toEqual([]);
  expect(queries.length).toBeGreaterThanOrEqual(300);
  expect(withResult).toBeGreaterThanOrEqual(280);
});
