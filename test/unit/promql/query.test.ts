import { describe, expect, test } from "bun:test";
import { formatLabels } from "../../../services/promql/labels.ts";
import {
  formatNumber,
  type Limits,
  PromqlError,
  type QueryOptions,
  queryInstant,
  queryRange,
} from "../../../services/promql/promql.ts";
import { MemorySource, memorySeries, type Samples } from "../../support/promql/memory-source.ts";

const every15s = (count: number, value: (index: number) => number): Samples =>
  Array.from({ length: count }, (_, index) => [index * 15, value(index)] as const);

const source = new MemorySource([
  memorySeries(
    { __name__: "temp", gpu: "0", host: "a" },
    every15s(41, (index) => 40 + index),
  ),
  memorySeries(
    { __name__: "temp", gpu: "1", host: "a" },
    every15s(21, () => 50),
    [315],
  ),
  memorySeries(
    { __name__: "energy", gpu: "0", host: "a" },
    every15s(41, (index) => index * 100),
  ),
  memorySeries(
    { __name__: "power", gpu: "0", host: "a" },
    every15s(41, () => 300),
  ),
]);

const options = (more: Partial<QueryOptions> = {}): QueryOptions => ({
  source,
  signal: new AbortController().signal,
  ...more,
});

/** `{labels} value` of each series. */
async function instant(query: string, seconds: number, more: Partial<QueryOptions> = {}): Promise<string[]> {
  const { data } = await queryInstant(query, seconds * 1000, options(more));
  if (data.type !== "vector") throw new Error(`result must be a vector, got ${data.type}`);
  return data.labels.map((labels, row) => `${formatLabels(labels)} ${formatNumber(data.values[row]!)}`);
}

async function failure(run: Promise<unknown>): Promise<PromqlError> {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof PromqlError) return error;
  throw new Error("query must fail", { cause: error });
}

describe("queryInstant()", () => {
  test("finds no value from a stale mark on", async () => {
    expect(await instant('temp{gpu="1"}', 314)).toHaveLength(1);
    expect(await instant('temp{gpu="1"}', 315)).toEqual([]);
    expect(await instant('count_over_time(temp{gpu="1"}[1m])', 315)).toEqual(['{gpu="1", host="a"} 3']);
  });

  test("looks back less than five minutes", async () => {
    expect(await instant('temp{gpu="0"}', 600 + 299)).toHaveLength(1);
    expect(await instant('temp{gpu="0"}', 600 + 300)).toEqual([]);
    expect(await instant('temp{gpu="0"}', 600 + 300, { lookback: 600_000 })).toHaveLength(1);
  });

  test("leaves the start of a range out", async () => {
    expect(await instant('count_over_time(temp{gpu="0"}[60s])', 600)).toEqual(['{gpu="0", host="a"} 4']);
  });

  test("drops names at once, and refuses series that become equal", async () => {
    const query = '{__name__=~"temp|power", gpu="0"} * 1';
    expect((await failure(instant(query, 300))).message).toBe("vector cannot contain metrics with the same labelset");
    expect(await instant('label_replace(temp{gpu="0"} * 1, "name", "$1", "__name__", "(.*)")', 300)).toEqual([
      '{gpu="0", host="a"} 60',
    ]);
    expect(
      await instant('label_replace(temp{gpu="0"} * 1, "name", "$1", "__name__", "(.*)")', 300, { delayedNames: true }),
    ).toEqual(['{gpu="0", host="a", name="temp"} 60']);
  });

  test("remarks on rates of names that are no counter's, unless the metric is known as one", async () => {
    const remarked = await queryInstant("rate(energy[1m])", 600_000, options());
    expect(remarked.infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "energy" (1:6)',
    ]);
    const isCounter = (metric: string): boolean => metric === "energy";
    expect((await queryInstant("rate(energy[1m])", 600_000, options({ isCounter }))).infos).toEqual([]);
  });

  test("reads equal selections once", async () => {
    const counted = new MemorySource([memorySeries({ __name__: "a" }, [[0, 1]])]);
    await queryInstant("a / (a + a)", 0, options({ source: counted }));
    expect(counted.requests).toHaveLength(1);
  });

  test("tells the source how samples are used", async () => {
    const asked = new MemorySource([]);
    await queryRange("rate(a[5m] offset 1m)", { start: 0, end: 60_000, step: 15_000 }, options({ source: asked }));
    expect(asked.requests).toMatchObject([
      { start: -359_999, end: 0, use: { step: 15_000, range: 300_000, rangeFunction: "rate" } },
    ]);
  });

  test("answers before there is data", async () => {
    expect(await queryInstant("1+1", 4000, options())).toMatchObject({
      data: { type: "scalar", time: 4000, value: 2 },
    });
  });
});

describe("queryRange()", () => {
  const range = { start: 0, end: 600_000, step: 60_000 };

  test("sorts series by labels and leaves out empty ones", async () => {
    const { data } = await queryRange('{__name__=~"temp|power"}', range, options());
    if (data.type !== "matrix") throw new Error("result must be a matrix");
    expect(data.series.map(({ labels }) => labels.join())).toEqual([
      "__name__,power,gpu,0,host,a",
      "__name__,temp,gpu,0,host,a",
      "__name__,temp,gpu,1,host,a",
    ]);
    expect((await queryRange("temp > 1000", range, options())).data).toEqual({ type: "matrix", series: [] });
  });

  test("refuses range vectors, texts and steps of zero", async () => {
    expect((await failure(queryRange("temp[5m]", range, options()))).message).toContain('type "range vector"');
    expect((await failure(queryRange('"a"', range, options()))).message).toContain('type "string"');
    expect((await failure(queryRange("temp", { ...range, step: 0 }, options()))).message).toContain("step must be");
    expect((await failure(queryRange("temp", { ...range, end: -1 }, options()))).message).toContain("end must not");
  });
});

describe("a query ends", () => {
  const bounded = (limits: Partial<Limits>, query = "temp"): Promise<PromqlError> =>
    failure(queryRange(query, { start: 0, end: 600_000, step: 1000 }, options({ limits })));

  test("with too many steps", async () => {
    const error = await failure(queryRange("temp", { start: 0, end: 11_000_000, step: 1000 }, options()));
    expect(error.kind).toBe("invalid");
    expect(error.message).toBe(
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  });

  test("with too many series, samples or values", async () => {
    expect((await bounded({ maxSeries: 1 })).message).toBe(
      "a selector must match at most 1 series, got 2; add label matchers",
    );
    expect((await bounded({ maxSamples: 50 })).message).toContain("a query must read at most 50 samples, got 62");
    const error = await bounded({ maxValues: 1000 });
    expect(error.kind).toBe("execution");
    expect(error.message).toContain("a query must hold at most 1,000 values at once, got 1,202; use a longer step");
    expect((await bounded({}, "sum_over_time(vector(1)[100y:1ms])")).message).toContain("values at once");
    expect((await bounded({}, "sum_over_time(vector(time())[100y:1ms])")).kind).toBe("execution");
    // A subquery's own steps count, too.
    expect((await bounded({ maxValues: 9000 }, "max_over_time(temp[1h:1s])")).message).toContain("values at once");
  });

  test("when its signal is aborted, before and while it computes", async () => {
    const aborted = AbortSignal.abort();
    expect((await failure(queryInstant("temp", 0, options({ signal: aborted })))).kind).toBe("canceled");
    const controller = new AbortController();
    const series = Array.from({ length: 400 }, (_, index) =>
      memorySeries(
        { __name__: "a", index: String(index) },
        every15s(2000, (at) => at),
      ),
    );
    const run = queryRange(
      "stddev_over_time(a[1h])",
      { start: 0, end: 11_000_000 - 1000, step: 1000 },
      options({ source: new MemorySource(series), signal: controller.signal }),
    );
    setImmediate(() => controller.abort());
    expect((await failure(run)).kind).toBe("canceled");
  });
});

test("a regular expression takes time in proportion to the text", async () => {
  const hostile = new MemorySource([memorySeries({ __name__: "a", pod: "a".repeat(5000) }, [[0, 1]])]);
  expect(await instant('a{pod=~"(a+)+b"}', 0, { source: hostile })).toEqual([]);
});

test("formatNumber() writes numbers without an exponent", () => {
  const NUMBERS: readonly (readonly [number, string])[] = [
    [1, "1"],
    [0.1, "0.1"],
    [1e21, "1000000000000000000000"],
    [1.5e-7, "0.00000015"],
    [-2.5e22, "-25000000000000000000000"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ];
  for (const [value, text] of NUMBERS) expect(formatNumber(value)).toBe(text);
});
