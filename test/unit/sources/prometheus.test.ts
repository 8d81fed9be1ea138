/** Files that Prometheus, its tools and VictoriaMetrics write give the readings of one fleet, whatever their form. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { utimes } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { createTimeZone, type TimeZone } from "../../../schema/dcgm/time-zone.ts";
import { readAny, readAnyInSteps, readSource, type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const AT = Date.UTC(2025, 6, 18, 20, 42, 34);
const UUIDS = ["GPU-5f000001-7a1c-4b2d-9e3f-0000000000f1", "GPU-5f000002-7a1c-4b2d-9e3f-0000000000f2"];
const METRICS = ["DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL"];

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [at: number, value: string])[];
}

/** Two metrics of two GPUs, three samples each; the values are numbers as programs print them. */
const SERIES: readonly Series[] = METRICS.flatMap((metric, m) =>
  UUIDS.map((uuid, gpu) => ({
    labels: {
      __name__: metric,
      gpu: String(gpu),
      UUID: uuid,
      modelName: 'NVIDIA "L4" {x}',
      Hostname: "rack-1\\n",
      pod: gpu === 0 ? "train ü" : "",
    },
    samples: ["41", "4.25e+01", "43.125"].map(
      (value, tick) => [AT + tick * 15_500, `${m * 10 + gpu}${value}`] as const,
    ),
  })),
);

const EXPECTED = SERIES.flatMap(({ labels, samples }) =>
  samples.map(([at, value]) => `${labels.UUID} ${labels.__name__} ${at} ${Number(value)}`),
);

const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
const pairs = (labels: Series["labels"], separator = ",") =>
  Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(separator);
const named = ({ labels }: Series) => `${labels.__name__}{${pairs(labels)}}`;
const quotedName = ({ labels }: Series) => `{"${labels.__name__}", ${pairs(labels, ", ")}, "k8s.label"="x",}`;
const seconds = (at: number) => String(at / 1000);
const perSample = (write: (series: Series, at: number, value: string) => string) =>
  SERIES.flatMap((series) => series.samples.map(([at, value]) => write(series, at, value)));

const matrix = SERIES.map(({ labels, samples }) => ({
  metric: labels,
  values: samples.map(([at, value]) => [at / 1000, value]),
}));
const vector = SERIES.flatMap(({ labels, samples }) =>
  samples.map(([at, value]) => ({ metric: labels, value: [at / 1000, value] })),
);
const answer = (resultType: string, result: unknown) => ({
  status: "success",
  data: { resultType, result },
  warnings: ["w"],
});
const exported = ({ labels, samples }: Series) => ({
  metric: labels,
  values: samples.map(([, value]) => Number(value)),
  timestamps: samples.map(([at]) => at),
});
const lines = (...all: string[]) => `${all.join("\n")}\n`;
const swapped = ({ values, timestamps, metric }: ReturnType<typeof exported>) => ({ metric, timestamps, values });

const FORMS: Readonly<Record<string, string | Buffer>> = {
  "text with milliseconds, as promtool tsdb dump prints it": lines(
    ...perSample(
      (series, at, value) => `{__name__="${series.labels.__name__}", ${pairs(series.labels, ", ")}} ${value} ${at}`,
    ),
  ),
  "text with HELP, TYPE and milliseconds": lines(
    ...METRICS.flatMap((metric) => [
      `# HELP ${metric} A "metric" {with} text.`,
      `# TYPE ${metric} gauge`,
      ...perSample((series, at, value) => (series.labels.__name__ === metric ? `${named(series)} ${value} ${at}` : "")),
    ]),
  ),
  "OpenMetrics with seconds, exemplars and EOF": lines(
    "# TYPE x gauge",
    ...perSample((series, at, value) => `${named(series)} ${value} ${seconds(at)} # {trace="a}b"} 1 ${seconds(at)}`),
    "# EOF",
  ),
  "text with names in quotes (UTF-8 names of Prometheus 3)": lines(
    ...perSample((series, at, value) => `${quotedName(series)}\t${value}\t${at}`),
  ),
  "an instant answer of the API": JSON.stringify(answer("vector", vector)),
  "a range answer of the API": JSON.stringify(answer("matrix", matrix)),
  "a range answer that jq has printed": JSON.stringify(answer("matrix", matrix), null, 2),
  "the data of an answer": lines(JSON.stringify({ resultType: "matrix", result: matrix })),
  "promtool's JSON of an instant": lines(JSON.stringify(vector)),
  "promtool's JSON of a range": lines(JSON.stringify(matrix)),
  "promtool's JSON after a byte order mark": `\uFEFF${JSON.stringify(matrix)}`,
  "promtool's text of an instant": lines(
    ...perSample((series, at, value) => `${named(series).replaceAll(",", ", ")} => ${value} @[${seconds(at)}]`),
  ),
  "promtool's text of a range": lines(
    ...SERIES.map((series) =>
      [`${named(series)} =>`, ...series.samples.map(([at, value]) => `${value} @[${seconds(at)}]`)].join("\n"),
    ),
  ),
  "promtool's text of a range with Windows' line ends": lines(
    ...SERIES.map((series) =>
      [`${named(series)} =>`, ...series.samples.map(([at, value]) => `${value} @[${seconds(at)}]`)].join("\r\n"),
    ),
  ).replaceAll(/(?<!\r)\n/g, "\r\n"),
  "lines of VictoriaMetrics' export": lines(...SERIES.map((series) => JSON.stringify(exported(series)))),
  "lines of an export with times first": lines(...SERIES.map((series) => JSON.stringify(swapped(exported(series))))),
  "lines of an export, several per series": lines(
    ...perSample((series, at, value) => JSON.stringify(exported({ ...series, samples: [[at, value]] }))),
  ),
  "a compressed export": gzipSync(lines(...SERIES.map((series) => JSON.stringify(exported(series))))),
};

const texts = ({ readings }: { readings: readonly { text: string }[] }) => readings.map(({ text }) => text);

describe.each(Object.entries(FORMS))("%s", (name, content) => {
  test("gives every sample, for any chunk size", async () => {
    const path = await files.write("any", content);
    for (const chunkBytes of [1, 3, 50, 10_000]) {
      const read = await readAny(path, { chunkBytes });
      expect(read.skips).toEqual([]);
      expect(texts(read).sort()).toEqual(EXPECTED.toSorted());
      expect(read.readings[0]).toMatchObject({
        facts: { model: 'NVIDIA "L4" {x}', host: "rack-1\\n", index: "0" },
        holders: [{ pod: "train ü" }],
      });
    }
    expect(texts(await readSource(path)).sort()).toEqual(EXPECTED.toSorted());
  });

  test("continues after any sample", async () => {
    const path = await files.write("steps", content);
    const whole = texts(await readAny(path));
    for (const length of [1, 2, 3, 5]) {
      expect([name, texts(await readAnyInSteps(path, length, { chunkBytes: 60 }))]).toEqual([name, whole]);
    }
  });
});

describe("a bad part of", () => {
  const skipsOf = async (content: string) => {
    const { skips, readings } = await readAny(await files.write("bad", content), { chunkBytes: 100 });
    return [...skips.map(({ reason, line }) => `line ${line} ${reason}`), readings.length];
  };
  const good = (n: number) => `DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="${UUIDS[0]}"} ${n} ${AT + n}`;

  test("text is skipped with its line and reason", async () => {
    const broken = 'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-5f} 1 17';
    const text = lines("# TYPE x gauge", good(1), broken, "words", good(2), "a b c d", good(3).replace(/ 3 /, " NaN "));
    expect(await skipsOf(text)).toEqual(["line 3 labels", "line 4 syntax", "line 6 syntax", "line 7 not_finite", 2]);
    expect(await skipsOf(lines(good(1), "go_goroutines 7", `go_info{version="go1"} 1 ${AT}`))).toEqual([
      "line 2 other_device",
      "line 3 other_device",
      1,
    ]);
    expect(await skipsOf(`${lines(good(1))}${good(2).slice(0, -40)}`)).toEqual(["line 2 truncated", 1]);
  });

  test("promtool's text is skipped with its line and reason", async () => {
    const series = `DCGM_FI_DEV_GPU_TEMP{UUID="${UUIDS[0]}"}`;
    const text = lines(`${series} =>`, "41 @[1752871354]", "41", "words @[1752871355]", "43 @[1]", "44 @[1752871356]");
    expect(await skipsOf(text)).toEqual(["line 3 syntax", "line 4 value", "line 5 time", 2]);
  });

  test("JSON is skipped up to the next series", async () => {
    const line = (value: unknown, at: unknown) =>
      JSON.stringify({ metric: { __name__: METRICS[0], UUID: UUIDS[0] }, values: [value], timestamps: [at] });
    expect(
      await skipsOf(lines(line(1, AT), line(2, AT).slice(0, -20), line(3, AT), line(null, AT), line(5, 17))),
    ).toEqual(["line 2 syntax", "line 4 not_finite", "line 5 time", 2]);
    expect(await skipsOf(lines(line(1, AT), '{"metric":{"__name__":"up\u0001"}}', line(3, AT)))).toEqual([
      "line 2 syntax",
      2,
    ]);
    expect(await skipsOf(`${lines(line(1, AT))}${line(2, AT).slice(0, -20)}`)).toEqual(["line 2 truncated", 1]);
  });

  test("an answer that is Prometheus' error is refused with it", async () => {
    const path = await files.write("error", '{"status":"error","errorType":"bad_data","error":"parse error"}');
    await expect(readAny(path)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("parse error"),
    });
  });

  test("a file without one good sample fails", async () => {
    const path = await files.write("none", lines("# TYPE x gauge", "words", "="));
    await expect(readAny(path)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("Prometheus text"),
    });
  });
});

describe("text without times", () => {
  const scrape = (temp: number) =>
    lines("# TYPE x gauge", ...UUIDS.map((uuid) => `DCGM_FI_DEV_GPU_TEMP{UUID="${uuid}"} ${temp}`));
  const written = async (content: string) => {
    const path = await files.write("scrape", content);
    await utimes(path, AT / 1000, AT / 1000);
    return path;
  };

  test("has the time at which the file was written, also where a zone is set", async () => {
    const path = await written(scrape(41));
    const zone = createTimeZone("Asia/Kathmandu") as TimeZone;
    const expected = UUIDS.map((uuid) => `${uuid} DCGM_FI_DEV_GPU_TEMP ${AT} 41`);
    expect(texts(await readAny(path))).toEqual(expected);
    expect(texts(await readAny(path, { zone }))).toEqual(expected);
  });

  test("of a second scrape is skipped, because nobody knows its time", async () => {
    const path = await written(scrape(41) + scrape(42) + scrape(43));
    for (const read of [await readAny(path), await readAnyInSteps(path, 1)]) {
      expect(texts(read)).toHaveLength(2);
      expect(read.skips.map(({ reason, line }) => `${line} ${reason}`)).toEqual([
        "5 time",
        "6 time",
        "8 time",
        "9 time",
      ]);
    }
  });
});
