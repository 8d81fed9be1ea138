/** Configuration of the scraper, from the environment. */
import type { LabelOptions } from "../../schema/dcgm/label-rules.ts";
import { type ListenConfig, readListenConfig } from "../platform/http/listen-config.ts";
import {
  boolean,
  byteSize,
  ConfigError,
  duration,
  type Env,
  gatherConfigs,
  integer,
  parsed,
  parseEnv,
  text,
  url,
} from "../platform/process/env.ts";
import { format } from "../platform/process/format.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { shard } from "../platform/process/shard.ts";
import { type QueueClientConfig, readQueueClientConfig } from "../queue/config.ts";
import { readLabelOptions } from "../sources/config.ts";
import type { TlsConfig } from "./http/tls.ts";
import { parseServiceName, SERVICE_FORM, type ServiceName } from "./targets/kubernetes/service-name.ts";
import type { Shard } from "./targets/shards.ts";
import { TARGET_FORM, type Target, targetOf } from "./targets/target.ts";

/** How requests identify themselves. Files are read again for each scrape, because tokens rotate. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly passwordFile: string }
  | { readonly kind: "bearer"; readonly tokenFile: string };

export interface ScraperConfig {
  readonly targets: readonly Target[];
  /** Files in the form of Prometheus' file_sd. */
  readonly files: readonly string[];
  /** Addresses of lists in the form of Prometheus' http_sd, and how often they are asked. */
  readonly httpLists: readonly string[];
  readonly httpIntervalMs: number;
  /** Services of Kubernetes whose endpoints are targets. */
  readonly services: readonly ServiceName[];
  readonly kubernetes: { readonly url: string; readonly accountFolder: string };
  /** This scraper's share of the targets. */
  readonly shard: Shard;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** A larger body, decompressed, fails its scrape. */
  readonly maxBytes: number;
  /** A body with more samples fails its scrape. */
  readonly maxSamples: number;
  /** Series of one metric and GPU that differ only in labels; samples of further ones are skipped. */
  readonly maxSeriesPerMetric: number;
  readonly credentials: Credentials;
  readonly tls: TlsConfig;
  readonly spool: { readonly folder: string; readonly maxBytes: number };
}

/** The scraper as a process of its own. */
export interface ScraperProcessConfig {
  readonly scraper: ScraperConfig;
  readonly labels: LabelOptions;
  readonly queue: QueueClientConfig;
  readonly listen: ListenConfig;
  readonly log: LogConfig;
}

/** Default of SCRAPE_TIMEOUT, unless the interval is shorter: dcgm-exporter itself gives up after 10 s. */
const TIMEOUT_MS = 10_000;

const partsOf = (given: string) => given.split(",").map((part) => part.trim());

/** The error hides values that may contain a password. @throws ConfigError */
function readTargets(given = ""): readonly Target[] {
  const found = given === "" ? [] : partsOf(given).map((part) => targetOf(part));
  if (found.every((target) => target.ok)) return found.map(({ value }) => value);
  const got = given.includes("@") ? "(hidden)" : JSON.stringify(given);
  throw new ConfigError([`SCRAPE_TARGETS must be ${TARGET_FORM}; several are separated by commas, got ${got}`]);
}

const files = () =>
  parsed("paths of .json, .yml or .yaml files, separated by commas", (given) => {
    const paths = partsOf(given);
    return paths.every((path) => /.\.(json|ya?ml)$/.test(path)) ? (paths as readonly string[]) : undefined;
  });

const urls = () =>
  parsed("a URL such as http://host/targets, without a user name; several are separated by commas", (given) => {
    const found = partsOf(given);
    const isList = (text: string) => {
      const { protocol, username, password } = URL.canParse(text) ? new URL(text) : {};
      return /^https?:$/.test(protocol ?? "") && username === "" && password === "";
    };
    return found.every(isList) ? (found as readonly string[]) : undefined;
  });

const services = () =>
  parsed(SERVICE_FORM, (given) => {
    const found = partsOf(given).map((part) => parseServiceName(part));
    return found.includes(undefined) ? undefined : (found as readonly ServiceName[]);
  });

/** Returns what is wrong with variables that depend on each other. */
function problemsOf(env: Env): string[] {
  const isSet = (name: string) => (env[name] ?? "") !== "";
  const pair = (one: string, other: string) =>
    isSet(one) === isSet(other)
      ? []
      : [`${isSet(one) ? other : one} must be set, because ${isSet(one) ? one : other} is`];
  return [
    ...pair("SCRAPE_USERNAME", "SCRAPE_PASSWORD_FILE"),
    ...pair("SCRAPE_TLS_CERT_FILE", "SCRAPE_TLS_KEY_FILE"),
    ...(isSet("SCRAPE_USERNAME") && isSet("SCRAPE_TOKEN_FILE")
      ? ["SCRAPE_TOKEN_FILE must not be set, because SCRAPE_USERNAME is"]
      : []),
  ];
}

const SHAPE = {
  SCRAPE_SHARD: shard().default(0),
  SCRAPE_SHARDS: integer({ min: 1, max: 1000 }).default(1),
  SCRAPE_FILE_SD: files().default([]),
  SCRAPE_HTTP_SD: urls().default([]),
  SCRAPE_HTTP_SD_INTERVAL: duration({ minMs: 1000, maxMs: 3_600_000, examples: "1m or 30s" }).default(60_000),
  SCRAPE_KUBERNETES: services().default([]),
  SCRAPE_KUBERNETES_API: url().default("https://kubernetes.default.svc"),
  SCRAPE_KUBERNETES_ACCOUNT: text().default("/var/run/secrets/kubernetes.io/serviceaccount"),
  SCRAPE_INTERVAL: duration({ minMs: 1000, maxMs: 3_600_000, examples: "15s or 1m" }).default(15_000),
  SCRAPE_TIMEOUT: duration({ minMs: 100, maxMs: 3_600_000, examples: "10s" }).optional(),
  SCRAPE_MAX_BYTES: byteSize({ min: 1024 }).default(16 * 1024 * 1024),
  SCRAPE_MAX_SAMPLES: integer({ min: 1, max: 10_000_000 }).default(100_000),
  MAX_SERIES_PER_METRIC: integer({ min: 1, max: 65_536 }).default(512),
  SCRAPE_USERNAME: text().optional(),
  SCRAPE_PASSWORD_FILE: text().optional(),
  SCRAPE_TOKEN_FILE: text().optional(),
  SCRAPE_TLS_CA_FILE: text().optional(),
  SCRAPE_TLS_CERT_FILE: text().optional(),
  SCRAPE_TLS_KEY_FILE: text().optional(),
  SCRAPE_TLS_INSECURE: boolean().default(false),
  SPOOL_PATH: text().default(".data/spool"),
  SPOOL_MAX_BYTES: byteSize({ min: 1024 * 1024 }).default(1024 * 1024 * 1024),
};

function credentialsOf(username?: string, passwordFile?: string, tokenFile?: string): Credentials {
  if (tokenFile !== undefined) return { kind: "bearer", tokenFile };
  if (username !== undefined && passwordFile !== undefined) return { kind: "basic", username, passwordFile };
  return { kind: "none" };
}

/** @throws ConfigError with every problem found */
export function readScraperConfig(env: Env): ScraperConfig {
  const { given, targets } = gatherConfigs({
    targets: () => readTargets(env.SCRAPE_TARGETS),
    given: () => parseEnv(env, SHAPE),
    related: () => {
      const problems = problemsOf(env);
      if (problems.length > 0) throw new ConfigError(problems);
    },
  });
  const intervalMs = given.SCRAPE_INTERVAL;
  const timeoutMs = given.SCRAPE_TIMEOUT ?? Math.min(TIMEOUT_MS, intervalMs);
  if (timeoutMs > intervalMs) {
    const accepted = `at most SCRAPE_INTERVAL (${intervalMs}ms)`;
    throw new ConfigError([`SCRAPE_TIMEOUT must be ${accepted}, got ${JSON.stringify(env.SCRAPE_TIMEOUT)}`]);
  }
  return {
    targets,
    files: given.SCRAPE_FILE_SD,
    httpLists: given.SCRAPE_HTTP_SD,
    httpIntervalMs: given.SCRAPE_HTTP_SD_INTERVAL,
    services: given.SCRAPE_KUBERNETES,
    kubernetes: { url: given.SCRAPE_KUBERNETES_API, accountFolder: given.SCRAPE_KUBERNETES_ACCOUNT },
    shard: { shard: given.SCRAPE_SHARD, shards: given.SCRAPE_SHARDS },
    intervalMs,
    timeoutMs,
    maxBytes: given.SCRAPE_MAX_BYTES,
    maxSamples: given.SCRAPE_MAX_SAMPLES,
    maxSeriesPerMetric: given.MAX_SERIES_PER_METRIC,
    credentials: credentialsOf(given.SCRAPE_USERNAME, given.SCRAPE_PASSWORD_FILE, given.SCRAPE_TOKEN_FILE),
    tls: {
      caFile: given.SCRAPE_TLS_CA_FILE,
      certificateFile: given.SCRAPE_TLS_CERT_FILE,
      keyFile: given.SCRAPE_TLS_KEY_FILE,
      isInsecure: given.SCRAPE_TLS_INSECURE,
    },
    spool: { folder: given.SPOOL_PATH, maxBytes: given.SPOOL_MAX_BYTES },
  };
}

/** The exporters that NVIDIA's GPU Operator installs: what the process scrapes if it is told nothing else. */
const GPU_OPERATOR: ServiceName = { namespace: "gpu-operator", service: "nvidia-dcgm-exporter", port: undefined };

/** True if the configuration names targets, or where to find them. */
export const hasTargets = ({ targets, files, httpLists, services }: ScraperConfig): boolean =>
  [targets, files, httpLists, services].some(({ length }) => length > 0);

/** Marks and several holders of one GPU need version 2 of batches. @throws ConfigError */
function requireFormat(env: Env): void {
  const { FORMAT } = parseEnv(env, { FORMAT: format().default(2) });
  if (FORMAT !== 2) {
    throw new ConfigError(['FORMAT must be 2 for the scraper, got "1"; set it once all collectors can read version 2']);
  }
}

/** @throws ConfigError with every problem found */
export function readScraperProcessConfig(env: Env, terminal: { isTerminal: boolean }): ScraperProcessConfig {
  const { format: _, ...config } = gatherConfigs({
    scraper: () => {
      const scraper = readScraperConfig(env);
      return hasTargets(scraper) ? scraper : { ...scraper, services: [GPU_OPERATOR] };
    },
    format: () => requireFormat(env),
    labels: () => readLabelOptions(env),
    queue: () => readQueueClientConfig(env),
    listen: () => readListenConfig(env),
    log: () => readLogConfig(env, terminal),
  });
  return config;
}
