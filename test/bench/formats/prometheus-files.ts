/** What Prometheus, its tools and VictoriaMetrics write. */
import { BY_SERIES, BY_TICK, type FileFormat } from "./format.ts";
import { labelsOf, type Row, seriesOf } from "./rows.ts";

const metricJson = (row: Row): string =>
  JSON.stringify(Object.fromEntries([["__name__", row.metric] as const, ...labelsOf(row)]));

/** Series by series. @param write returns the text of one series */
const bySeries = (
  title: string,
  file: string,
  write: (rows: readonly Row[], isFirst: boolean) => string,
  ends: { readonly head?: string; readonly tail?: string } = {},
): FileFormat => ({
  title,
  file,
  together: BY_SERIES,
  ...ends,
  part(rows, index) {
    let text = "";
    for (const [, ofSeries] of Map.groupBy(rows, seriesOf)) text += write(ofSeries, index === 0 && text === "");
    return { text, readings: rows.length };
  },
});

const exposition = (title: string, file: string, time: (ms: number) => string, tail = ""): FileFormat => ({
  title,
  file,
  together: BY_TICK,
  tail,
  part(rows) {
    let text = "";
    for (const row of rows) text += `${seriesOf(row)} ${row.value} ${time(row.ms)}\n`;
    return { text, readings: rows.length };
  },
});

export const PROMETHEUS_FILES: readonly FileFormat[] = [
  exposition("Prometheus text with times", "fleet.prom", String),
  exposition("OpenMetrics", "fleet.om", (ms) => (ms / 1000).toFixed(3), "# EOF\n"),
  bySeries(
    "Prometheus HTTP API, range",
    "fleet.json",
    (rows, isFirst) => {
      const values = rows.map(({ ms, value }) => `[${ms / 1000},"${value}"]`).join();
      return `${isFirst ? "" : ","}{"metric":${metricJson(rows[0]!)},"values":[${values}]}`;
    },
    { head: '{"status":"success","data":{"resultType":"matrix","result":[', tail: "]}}\n" },
  ),
  bySeries("promtool query range", "fleet.txt", (rows) => {
    const values = rows.map(({ ms, value }) => `${value} @[${ms / 1000}]`).join("\n");
    return `${seriesOf(rows[0]!)} =>\n${values}\n`;
  }),
  bySeries("VictoriaMetrics JSON lines", "fleet.jsonl", (rows) => {
    const values = rows.map(({ value }) => value).join();
    const times = rows.map(({ ms }) => ms).join();
    return `{"metric":${metricJson(rows[0]!)},"values":[${values}],"timestamps":[${times}]}\n`;
  }),
];
