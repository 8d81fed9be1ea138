import { expect, test } from "bun:test";
import { ConfigError, type Env } from "../../../services/platform/process/env.ts";
import { readScraperConfig, readScraperProcessConfig } from "../../../services/scraper/config.ts";
import { serviceText } from "../../../services/scraper/targets/kubernetes/service-name.ts";

test("readScraperConfig() has defaults for everything", () => {
  const config = readScraperConfig({});
  expect(config.targets).toEqual([]);
  expect(config).toMatchObject({ intervalMs: 15_000, timeoutMs: 10_000, credentials: { kind: "none" } });
});

test("readScraperConfig() takes addresses and URLs", () => {
  const { targets } = readScraperConfig({ SCRAPE_TARGETS: "node-1:9400, https://node-2/dcgm/metrics,[::1]:9400" });
  expect(targets.map(({ url, labels }) => [url, labels.get("instance")])).toEqual([
    ["http://node-1:9400/metrics", "node-1:9400"],
    ["https://node-2/dcgm/metrics", "node-2:443"],
    ["http://[::1]:9400/metrics", "[::1]:9400"],
  ]);
});

test("readScraperConfig() takes services of Kubernetes, with a port or without", () => {
  const { services } = readScraperConfig({ SCRAPE_KUBERNETES: "gpu-operator/nvidia-dcgm-exporter,gpus/dcgm:9400" });
  expect(services).toEqual([
    { namespace: "gpu-operator", service: "nvidia-dcgm-exporter", port: undefined },
    { namespace: "gpus", service: "dcgm", port: "9400" },
  ]);
});

test("readScraperConfig() takes the number of a pod as its shard", () => {
  const { shard } = readScraperConfig({ SCRAPE_SHARD: "gpu-scraper-2", SCRAPE_SHARDS: "3" });
  expect(shard).toEqual({ shard: 2, shards: 3 });
});

test("readScraperConfig() names every problem at once", () => {
  const env = {
    SCRAPE_TARGETS: "node-1:9400,user:secret@node",
    SCRAPE_FILE_SD: "targets.txt",
    SCRAPE_HTTP_SD: "http://user:secret@inventory/gpus",
    SCRAPE_KUBERNETES: "gpu-operator",
    SCRAPE_INTERVAL: "soon",
    SCRAPE_USERNAME: "prometheus",
    SCRAPE_TOKEN_FILE: "/token",
    SCRAPE_TLS_KEY_FILE: "/key.pem",
  };
  const problems = problemsOf(env);
  expect(problems.map((problem) => problem.split(" ")[0]).sort()).toEqual([
    "SCRAPE_FILE_SD",
    "SCRAPE_HTTP_SD",
    "SCRAPE_INTERVAL",
    "SCRAPE_KUBERNETES",
    "SCRAPE_PASSWORD_FILE",
    "SCRAPE_TARGETS",
    "SCRAPE_TLS_CERT_FILE",
    "SCRAPE_TOKEN_FILE",
  ]);
  expect(problems.join()).not.toContain("secret");
});

test("readScraperConfig() refuses a timeout that is longer than the interval", () => {
  expect(problemsOf({ SCRAPE_INTERVAL: "5s", SCRAPE_TIMEOUT: "6s" })).toEqual([
    'SCRAPE_TIMEOUT must be at most SCRAPE_INTERVAL (5000ms), got "6s"',
  ]);
  expect(readScraperConfig({ SCRAPE_INTERVAL: "5s" }).timeoutMs).toBe(5000);
});

test("readScraperProcessConfig() scrapes the GPU Operator's exporters by default, and needs version 2", () => {
  const read = (env: Env) => readScraperProcessConfig(env, { isTerminal: false });
  expect(problemsOf({ FORMAT: "1" }, read).map((problem) => problem.split(" must ")[0])).toEqual(["FORMAT"]);
  const { queue, scraper } = read({});
  expect([queue.url, scraper.services.map(serviceText)]).toEqual([
    "http://queue-service:8080",
    ["gpu-operator/nvidia-dcgm-exporter"],
  ]);
  const named = read({ SCRAPE_TARGETS: "node-1:9400", EXPORTER_PODS: "mine" });
  expect([named.scraper.services, named.labels.exporterPods]).toEqual([[], ["mine"]]);
});

function problemsOf(env: Env, read: (env: Env) => unknown = readScraperConfig): readonly string[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
