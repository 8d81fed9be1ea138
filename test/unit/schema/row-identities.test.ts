import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { createLabelRules, DEFAULT_LABELS, type LabelOptions } from "../../../schema/dcgm/label-rules.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { UUID } from "../../support/sources/labelled-rows.ts";

const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const POWER = "DCGM_FI_DEV_POWER_USAGE";

function identities(header: string, classes: LabelOptions["classes"] = []): RowIdentities {
  const columns = parseDcgmHeader(header.split(","));
  if (!columns.ok) throw new Error(columns.error);
  return new RowIdentities({ columns: columns.value, rules: createLabelRules({ ...DEFAULT_LABELS, classes }) });
}

const HEADER = "timestamp,metric_name,UUID,pod,team,value,labels_raw";
const rowOf = (metric: string, raw: string, { pod = "", team = "" } = {}) => ["", metric, UUID, pod, team, "1", raw];

/** Texts of `labels_raw`. M is replaced by the metric of the row. Some texts look as if they named the metric. */
const raws = [
  "",
  '__name__="M"',
  'gpu="3",__name__="M"',
  'vgpu="1", __name__="M"',
  '__name__="M",__name__="M"',
  'x__name__="M"',
  'gpu="3",x__name__="M"',
  'team="a,__name__="M"',
  'team="__name__=\\"M\\""',
  'pod="a",exported_pod="b",__name__="M",GPU_I_ID="7"',
  'pod="dcgm-exporter-1",cpu="1",Hostname="n-1",gpu="4"',
  'team="\u202e",__name__="M"',
  "1:a",
];
const METRICS = [
  UTIL,
  POWER,
  "dcgm_gpu_utilization",
  "DCGM_FI_DEV_CPU_UTIL_TOTAL",
  "my_metric",
  "other_metric",
  `${UTIL}",x="1`,
  "\u202e",
  "",
];
const rows = fc
  .record({
    metric: fc.constantFrom(...METRICS),
    uuid: fc.constantFrom(UUID, UUID, "", "GPU-1"),
    pod: fc.constantFrom("", "", "a", "1:b", "dcgm-exporter-1"),
    team: fc.constantFrom("", "", "a", "1:b", "x\u0000"),
    raw: fc.constantFrom(...raws),
  })
  .map(({ metric, uuid, pod, team, raw }) => ["", metric, uuid, pod, team, "1", raw.replaceAll("M", metric)]);
const optionalClasses = fc.constantFrom<LabelOptions["classes"]>(
  [],
  [{ glob: "team", class: "series" }],
  [{ glob: "__name__", class: "series" }],
  [{ glob: "__name__", class: "holder" }],
  [{ glob: "*name__", class: "series" }],
  [{ glob: "pod", class: "ignored" }],
);

describe("RowIdentities", () => {
  test("reads each row as if it were the first", () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 100, maxLength: 200 }), optionalClasses, (given, classes) => {
        const many = identities(HEADER, classes);
        for (const fields of given) expect(many.of(fields)).toEqual(identities(HEADER, classes).of(fields));
      }),
      { numRuns: 100 },
    );
  });

  test("reads the labels of a GPU and its holder once for all metrics, with their name among the labels or not", () => {
    const all = identities(HEADER);
    const factsOf = (metric: string, raw: string) => {
      const identity = all.of(rowOf(metric, raw));
      return identity.ok ? identity.value.facts : identity.error;
    };
    const facts = factsOf(UTIL, `gpu="1",__name__="${UTIL}",pod="a"`);
    expect(factsOf(POWER, `gpu="1",__name__="${POWER}",pod="a"`)).toBe(facts);
    expect(factsOf(POWER, `gpu="1",__name__="${UTIL}",pod="a"`)).not.toBe(facts);
    expect(factsOf(POWER, 'gpu="1",pod="a"')).toBe(factsOf(UTIL, 'gpu="1",pod="a"'));
    expect(factsOf("my_metric", 'gpu="1",pod="a"')).not.toBe(facts);
  });

  test("names the metric before labels that have control characters, and the GPU before the metric", () => {
    const reasonOf = (fields: readonly string[]) => {
      const identity = identities(HEADER).of(fields);
      return identity.ok ? null : identity.error.reason;
    };
    const misleading = rowOf("my metric", 'team="\u202e"');
    expect(reasonOf(misleading)).toBe("metric");
    expect(reasonOf(misleading.with(1, "my_metric"))).toBe("control");
    expect(reasonOf(misleading.with(2, "GPU-1"))).toBe("uuid");
  });

  test("keeps values of columns apart that join to the same text", () => {
    const all = identities(HEADER, [{ glob: "team", class: "series" }]);
    const seriesOf = (pod: string, team: string) => {
      const identity = all.of(rowOf("my_metric", "", { pod, team }));
      return identity.ok ? String(identity.value.series) : identity.error.detail;
    };
    expect(seriesOf("a", "1:b")).toBe('my_metric{pod="a",team="1:b"}');
    expect(seriesOf("a1:", "b")).toBe('my_metric{pod="a1:",team="b"}');
    expect(seriesOf("a1:b", "")).toBe('my_metric{pod="a1:b"}');
  });

  test("ignores values of ignored columns when it looks for the meaning of a row", () => {
    const all = identities(HEADER);
    const first = all.of(rowOf(UTIL, "", { team: "a" }));
    const second = all.of(rowOf(UTIL, "", { team: "b" }));
    expect(first.ok && second.ok && first.value.facts === second.value.facts).toBe(true);
  });

  test("forgets labels when there are too many, or when their texts are too long", () => {
    const all = identities(HEADER);
    const grown = (rows: number, raw: (row: number) => string): number => {
      Bun.gc(true);
      const before = process.memoryUsage().heapUsed;
      for (let row = 0; row < rows; row++) all.of(rowOf(UTIL, raw(row)));
      Bun.gc(true);
      return process.memoryUsage().heapUsed - before;
    };
    const mebibyte = 1024 * 1024;
    // Remembered, these would take 100 MB and 380 MB.
    expect(grown(130_000, (row) => `pod="${row}"`)).toBeLessThan(64 * mebibyte);
    expect(grown(6000, (row) => `pod="${row}",team="${"x".repeat(64_000)}"`)).toBeLessThan(160 * mebibyte);
  });
});
