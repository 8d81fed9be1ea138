import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PROGRAMS, variablesOf } from "../../infra/scripts/chart/program-variables.ts";
import { leaves, readValues } from "../../infra/scripts/chart/values.ts";
import { VARIABLES } from "../../infra/scripts/chart/variables.ts";
import { ourContainers } from "../support/manifests/environment.ts";
import { parseManifests } from "../support/manifests/objects.ts";
import { CHART, render } from "../support/manifests/render.ts";
import { openTools } from "../support/manifests/tools.ts";

const values = leaves(readValues(await readFile(join(CHART, "values.yaml"), "utf8")));
const defaultOf = (path: string | undefined) => values.find((value) => value.path.join(".") === path)?.value;

test("VARIABLES has exactly the variables that each service reads", () => {
  const read = Object.keys(PROGRAMS).flatMap((program) => variablesOf(program).map((name) => `${program} ${name}`));
  const known = VARIABLES.flatMap(({ name, services }) => services.map((program) => `${program} ${name}`));
  // Only the collector drops old readings; inventory and telemetry read RETENTION with the store.
  const withStore = ["inventory RETENTION", "telemetry RETENTION"];
  expect([...known, ...withStore].sort()).toEqual(read.sort());
});

test("the chart has the defaults of the code", () => {
  for (const { name, services, values: paths } of VARIABLES) {
    const value = defaultOf(paths[0]);
    if (value === undefined || value === null || String(value) === "") continue;
    for (const service of services) {
      const read = PROGRAMS[service];
      expect([name, service, read?.({ [name]: String(value) })]).toEqual([name, service, read?.({})]);
    }
  }
});

/** A value other than the default, for each path. */
const OTHERS: Readonly<Record<string, string>> = {
  format: "1",
  "streamer.csv.path": "/data/other.csv",
  "streamer.csv.host": "node-7",
  "streamer.csv.timezone": "Europe/Berlin",
  "streamer.interval": "7s",
  "streamer.loop": "false",
  "streamer.watch": "true",
  "streamer.batchSize": "77",
  "streamer.timestamps": "source",
  "streamer.labelClasses": "rack=ignored",
  "streamer.exporterPods": "my-exporter",
  "streamer.maxSeriesPerMetric": "77",
  "streamer.replicas": "3",
  "scraper.kubernetes": "gpus/dcgm",
  "scraper.targets": "gpu-node-1:9400",
  "scraper.http.urls": "http://inventory.example.com/gpus",
  "scraper.http.interval": "30s",
  "scraper.replicas": "4",
  "scraper.interval": "20s",
  "scraper.timeout": "9s",
  "scraper.maxBytes": "8MiB",
  "scraper.maxSamples": "5000",
  "scraper.credentials.username": "prometheus",
  "scraper.tlsInsecure": "true",
  "scraper.spool.maxBytes": "128MiB",
  "queueService.partitions": "3",
  "queueService.maxBytes": "64MiB",
  "queueService.maxDeliveries": "7",
  "queueService.lease": "45s",
  "redis.external.addr": "redis.example.com:6380",
  "redis.external.mode": "cluster",
  "redis.external.sentinelName": "main",
  "redis.external.username": "someone",
  "redis.auth.password": "secret-of-redis",
  "redis.external.db": "3",
  "redis.external.tls": "true",
  "mongodb.external.uri": "mongodb://mongodb.example.com:27017",
  "mongodb.database": "another",
  "mongodb.poolSize": "7",
  "collector.retention": "30d",
  "collector.maxConcurrentHandlers": "3",
  "collector.batchSize": "7",
  "auth.apiToken": "secret-of-readers",
  "auth.adminToken": "secret-of-admins",
  "auth.internalToken": "secret-of-services",
  "apiGateway.corsOrigins": "https://one.example.com",
  "apiGateway.allowedHosts": "gpus.example.com",
  "apiGateway.introspection": "false",
  "apiGateway.graphiql": "false",
  "apiGateway.rateLimit": "7/s",
  "apiGateway.trustedProxies": "2",
  "apiGateway.queryTimeout": "7s",
  "apiGateway.maxSubscriptions": "7",
  "telemetry.maxSubscriptions": "8",
  "log.level": "debug",
  "log.format": "text",
};
/** Values for external databases need these. */
const ELSEWHERE = { "redis.enabled": false, "mongodb.enabled": false };

const tools = await openTools("variables of the chart");
if (tools !== null) {
  const helm = join(tools.programs, "helm");

  test("each chart value reaches exactly the services in VARIABLES", async () => {
    const keyed = VARIABLES.filter(({ values: paths }) => paths.length > 0);
    expect(keyed.map(({ values: [path] }) => path).sort()).toEqual(Object.keys(OTHERS).sort() as string[]);
    const settings = (of: (path: string) => boolean) =>
      Object.fromEntries(
        Object.entries(OTHERS)
          .filter(([path]) => of(path))
          .map(([path, value]) => [Array.isArray(defaultOf(path)) ? `${path}[0]` : path, value]),
      );
    const isExternal = (path: string) => path.includes(".external.");
    const reached = async (set: Record<string, string | boolean>) =>
      ourContainers(parseManifests(await render(helm, { set })));
    const inside = await reached(settings((path) => !isExternal(path)));
    const outside = await reached({ ...ELSEWHERE, ...settings(isExternal) });
    for (const {
      name,
      services,
      values: [path = ""],
    } of keyed) {
      const found = (isExternal(path) ? outside : inside).filter(
        ({ env }) =>
          // The chart adds to the list of host names.
          (name === "ALLOWED_HOSTS" ? env[name]?.split(",")[0] : env[name]) === OTHERS[path],
      );
      expect([path, name, found.map(({ program }) => program).sort()]).toEqual([path, name, [...services]]);
    }
  }, 120_000);

  test("ALLOWED_HOSTS has the names of values, ingress and route, and any name for a route without hostnames", async () => {
    const allowed = async (set: Record<string, string | boolean>) => {
      const found = ourContainers(parseManifests(await render(helm, { set: { ...set } })));
      return found.find(({ program }) => program === "api-gateway")?.env.ALLOWED_HOSTS;
    };
    const own = await allowed({});
    expect(own).toMatch(/^api-gateway\.[a-z-]+$/);
    const route = { "httpRoute.enabled": true };
    expect(await allowed(route)).toBe(`*,${own}`);
    expect(await allowed({ ...route, "apiGateway.allowedHosts[0]": "a.example" })).toBe(`a.example,${own}`);
    const names = { "httpRoute.hostnames[0]": "*.b.example", "ingress.hosts[0]": "c.example" };
    expect(await allowed({ ...route, ...names, "ingress.enabled": true })).toBe(`c.example,*.b.example,${own}`);
    expect(await allowed(names)).toBe(own);
  }, 60_000);
}
