/** `parse-prometheus-text-format`, a library of another maker, is the oracle of the text format. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import parsePrometheusTextFormat from "parse-prometheus-text-format";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { type ExpositionFormat, readSamples } from "../../../services/scraper/exposition/sample-lines.ts";

interface Sample {
  readonly series: string;
  readonly value: string;
  readonly at: number | undefined;
}

function samplesOf(text: string, format: ExpositionFormat = "text") {
  const samples: Sample[] = [];
  const malformed: string[] = [];
  const isWhole = readSamples(text, format, {
    sample: (series, value, at) => samples.push({ series, value, at }),
    malformed: (line) => malformed.push(line),
  });
  return { samples, malformed, isWhole };
}

/** One sample as a text that does not depend on the order of labels. */
const plain = (name: string, labels: Iterable<readonly [string, string]>, value: string, time: string) =>
  JSON.stringify([name, [...labels].sort(), value, time]);

const ours = (text: string): string[] =>
  samplesOf(text).samples.map(({ series, value, at }) => {
    const parsed = parseSeriesText(series);
    if (!parsed.ok) throw new Error(parsed.error);
    return plain(parsed.value.metric ?? "", parsed.value.labels, value, at === undefined ? "" : String(at));
  });

const theirs = (text: string): string[] =>
  parsePrometheusTextFormat(text).flatMap(({ name, metrics }) =>
    metrics.map(({ labels, value, timestamp_ms }) =>
      plain(name, Object.entries(labels ?? {}), value, timestamp_ms ?? ""),
    ),
  );

const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const labelValue = fc.string({ unit: fc.constantFrom("a", "}", "{", " ", "#", ",", "=", '"', "\\", "\n", "ü") });
const series = fc.record({
  name: fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/),
  labels: fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), labelValue), {
    selector: ([name]) => name,
    maxLength: 4,
  }),
  value: fc.oneof(fc.integer().map(String), fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)),
  at: fc.option(fc.integer({ min: 0, max: 2e12 })),
});

test("readSamples() reads the same samples as the oracle", () => {
  fc.assert(
    fc.property(fc.uniqueArray(series, { selector: ({ name }) => name, maxLength: 8 }), (all) => {
      const text = all
        .map(({ name, labels, value, at }) => {
          const list = labels.map(([label, given]) => `${label}="${escaped(given)}"`).join(",");
          const head = `# HELP ${name} x\n# TYPE ${name} gauge\n${name}`;
          return `${head}${list === "" ? "" : `{${list}}`} ${value}${at === null ? "" : ` ${at}`}\n`;
        })
        .join("");
      expect(ours(text).sort()).toEqual(theirs(text).sort());
    }),
    { numRuns: 300 },
  );
});

for (const [line, expected] of [
  ["up 1", { series: "up", value: "1", at: undefined }],
  ['a{b="} 7"} 1 1752871354123', { series: 'a{b="} 7"}', value: "1", at: 1_752_871_354_123 }],
  ['  a { b = "c" , }\t+Inf\r', { series: 'a { b = "c" , }', value: "+Inf", at: undefined }],
  ['{"a b",c="d"} NaN', { series: '{"a b",c="d"}', value: "NaN", at: undefined }],
] as const) {
  test(`readSamples() reads ${JSON.stringify(line)}`, () => {
    expect(samplesOf(line)).toEqual({ samples: [expected], malformed: [], isWhole: true });
  });
}

for (const line of ["up", 'a{b="c"}', 'a{b="c"', "a 1 2 3", "a 1 soon", '{b="c"}', "a{ 1 # {"]) {
  test(`readSamples() names the malformed line ${JSON.stringify(line)} and reads on`, () => {
    const { samples, malformed } = samplesOf(`${line}\nup 1\n`);
    expect([malformed, samples.length]).toEqual([[line], 1]);
  });
}

test("readSamples() reads seconds and exemplars of OpenMetrics, and wants its last line", () => {
  const text = 'a_total{b="}"} 17 1752871354.5 # {trace="x}"} 0.67 1520879607.789\nb 2 # {t="y"} 1\n';
  const { samples, malformed, isWhole } = samplesOf(text, "openmetrics");
  expect(samples).toEqual([
    { series: 'a_total{b="}"}', value: "17", at: 1_752_871_354_500 },
    { series: "b", value: "2", at: undefined },
  ]);
  expect([malformed, isWhole]).toEqual([[], false]);
  expect(samplesOf(`${text}# EOF\n`, "openmetrics").isWhole).toBe(true);
});
