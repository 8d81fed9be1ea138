import { expect, test } from "bun:test";
import { join } from "node:path";
import { DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { ConfigError } from "../../../services/platform/process/env.ts";
import { readStreamerConfig } from "../../../services/streamer/config.ts";
import { ROOT } from "../../support/programs/process.ts";

test("readStreamerConfig() without variables loops over the sample at 100 ms with live times", () => {
  expect(readStreamerConfig({})).toEqual({
    sources: {
      kind: "files",
      paths: [join(ROOT, "data/sample.csv.gz")],
      copies: new Map(),
      labels: DEFAULT_LABELS,
      timeZone: "UTC",
      host: undefined,
    },
    intervalMs: 100,
    loop: true,
    watch: false,
    batchSize: null,
    format: 1,
    maxSeriesPerMetric: 512,
    times: "live",
    shard: 0,
    shards: 1,
  });
});

test("readStreamerConfig() defaults to the source's times when it does not loop", () => {
  expect(readStreamerConfig({ LOOP_MODE: "false" }).times).toBe("source");
  expect(readStreamerConfig({ LOOP_MODE: "false", TIMESTAMPS: "live" }).times).toBe("live");
  expect(readStreamerConfig({ TIMESTAMPS: "source" }).times).toBe("source");
});

test("readStreamerConfig() reads at full speed when it does not loop, unless a pace is set", () => {
  expect(readStreamerConfig({ LOOP_MODE: "false" }).intervalMs).toBe(0);
  expect(readStreamerConfig({ LOOP_MODE: "false", STREAM_INTERVAL: "50ms" }).intervalMs).toBe(50);
  expect(readStreamerConfig({ STREAM_INTERVAL: "0" }).intervalMs).toBe(0);
});

test("readStreamerConfig() does not loop where it watches, and refuses both", () => {
  expect(readStreamerConfig({ WATCH: "true" })).toMatchObject({
    ...{ watch: true, loop: false, intervalMs: 0, times: "source" },
  });
  expect(() => readStreamerConfig({ WATCH: "true", LOOP_MODE: "true" })).toThrow("LOOP_MODE and WATCH are both true");
});

test("readStreamerConfig() takes the shard from the name of a pod", () => {
  const shardOf = (name: string) => readStreamerConfig({ STREAMER_SHARD: name }).shard;
  expect(["7", "streamer-0", "streamer-12", "gpu-2-streamer-3"].map(shardOf)).toEqual([7, 0, 12, 3]);
  for (const name of ["streamer", "streamer-", "-1", "1000", "streamer-1000", "Streamer-1", "streamer-1 "]) {
    expect(() => shardOf(name)).toThrow("STREAMER_SHARD must be ");
  }
});

test("readStreamerConfig() reads what labels mean", () => {
  const { sources, maxSeriesPerMetric } = readStreamerConfig({
    LABEL_CLASSES: "team_*=series, err_msg = ignored,*=description",
    EXPORTER_PODS: "dcgm, node-agent",
    CSV_TIMEZONE: "Europe/Berlin",
    CSV_HOST: "node-7",
    MAX_SERIES_PER_METRIC: "20",
  });
  expect(maxSeriesPerMetric).toBe(20);
  expect(sources).toMatchObject({ timeZone: "Europe/Berlin", host: "node-7" });
  expect(sources.labels).toEqual({
    classes: [
      { glob: "team_*", class: "series" },
      { glob: "err_msg", class: "ignored" },
      { glob: "*", class: "description" },
    ],
    exporterPods: ["dcgm", "node-agent"],
  });
});

test("readStreamerConfig() reports every bad value at once", () => {
  const bad = {
    STREAM_INTERVAL: "fast",
    LOOP_MODE: "yes",
    BATCH_SIZE: "65537",
    FORMAT: "3",
    TIMESTAMPS: "now",
    STREAMER_SHARDS: "0",
    MAX_SERIES_PER_METRIC: "0",
    LABEL_CLASSES: "team=label",
    CSV_TIMEZONE: "CEST5",
    CSV_HOST: "a b",
    EXPORTER_PODS: "a,,b",
  };
  let problems: readonly string[] = [];
  try {
    readStreamerConfig(bad);
  } catch (error) {
    problems = (error as ConfigError).problems;
    expect(error).toBeInstanceOf(ConfigError);
  }
  expect(problems.length).toBe(Object.keys(bad).length);
  for (const [name, value] of Object.entries(bad)) {
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${name} must be .*, got "${value}"$`)));
  }
});
