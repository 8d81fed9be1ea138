import { describe, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { readSubgraphConfig } from "../../../services/platform/graphql/config.ts";
import { createProbes, healthOf, withOutages } from "../../../services/platform/http/health.ts";
import { createInternalGuard } from "../../../services/platform/http/internal-guard.ts";
import { ConfigError } from "../../../services/platform/process/env.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";

const ask = (path: string, init?: RequestInit) => new Request(`http://service${path}`, init);

describe("probes", () => {
  let store: () => Promise<void> = async () => {};
  const metrics = createMetrics();
  const probes = createProbes({ metrics, health: () => healthOf({ store: () => store() }) });
  const away = async () => {
    throw new AppError("The store does not answer", { code: "unavailable" });
  };

  test("/healthz checks no dependency, /readyz names the unavailable one", async () => {
    store = away;
    expect((await probes(ask("/healthz")))?.status).toBe(200);
    const trouble = await probes(ask("/readyz"));
    expect(trouble?.status).toBe(503);
    expect(await trouble?.json()).toEqual({
      status: "not ready",
      dependencies: { store: "The store does not answer" },
    });
    store = async () => {};
    expect((await probes(ask("/readyz")))?.status).toBe(200);
  });

  test("/readyz of a degraded service is ready and names its unavailable dependencies", async () => {
    const away = { store: "does not answer" };
    const degraded = createProbes({ metrics, health: async () => ({ healthy: false, away, isDegraded: true }) });
    const answer = await degraded(ask("/readyz"));
    expect([answer?.status, await answer?.json()]).toEqual([200, { status: "ready", degraded: away }]);
  });

  test("/readyz is not ready when the health check throws", async () => {
    const broken = createProbes({
      metrics,
      health: async () => {
        throw new Error("no idea");
      },
    });
    const answer = await broken(ask("/readyz"));
    expect([answer?.status, await answer?.text()]).toEqual([503, expect.stringContaining("no idea")]);
  });

  test("/metrics is Prometheus text, for callers that the guard allows", async () => {
    expect(await (await probes(ask("/metrics")))?.text()).toContain("gpu_telemetry_process_start_time_seconds");
    const guard = createInternalGuard({ token: "s3cret", host: "0.0.0.0" });
    const guarded = createProbes({ metrics, health: () => healthOf({}), guard });
    expect((await guarded(ask("/metrics")))?.status).toBe(401);
    const headers = { authorization: "Bearer s3cret" };
    expect((await guarded(ask("/metrics", { headers })))?.status).toBe(200);
    for (const path of ["/healthz", "/readyz"]) expect((await guarded(ask(path)))?.status).toBe(200);
  });

  test("are refused to web pages", async () => {
    const guard = createInternalGuard({ token: null, host: "127.0.0.1" });
    const guarded = createProbes({ metrics, health: () => healthOf({}), guard });
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const statuses = [];
      for (const headers of [{}, { origin: "https://evil.example" }, { host: "evil.example" }]) {
        statuses.push((await guarded(new Request(`http://localhost${path}`, { headers })))?.status);
      }
      expect([path, ...statuses]).toEqual([path, 200, 403, 421]);
    }
  });

  test("accept GET and HEAD, and return null for other paths", async () => {
    expect((await probes(ask("/readyz", { method: "HEAD" })))?.status).toBe(200);
    const post = await probes(ask("/healthz", { method: "POST" }));
    expect([post?.status, post?.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await probes(ask("/graphql"))).toBeNull();
  });
});

describe("withOutages()", () => {
  const store = { dependency: "store", problem: "connection refused" };

  test("adds the parts that have a problem to the given health", () => {
    const before = { healthy: false, away: { queue: "does not answer" } };
    const away = { queue: "does not answer", store: "connection refused" };
    expect(withOutages(before, [store])).toEqual({ healthy: false, away });
    expect(withOutages({ healthy: true, away: {} }, [store])).toEqual({
      healthy: false,
      away: { store: store.problem },
    });
    expect(withOutages({ healthy: true, away: {} }, [{ ...store, problem: null }])).toEqual({
      healthy: true,
      away: {},
    });
  });
});

describe("configuration of a subgraph", () => {
  const read = (env: Record<string, string>) => readSubgraphConfig(env, { isTerminal: false });

  test("has defaults", () => {
    expect(read({ INTERNAL_TOKEN: "" })).toEqual({
      listen: { port: 8080, host: "127.0.0.1" },
      queryTimeoutMs: 30_000,
      internalToken: null,
      log: { level: "info", format: "json" },
    });
    expect(read({ PORT: "0", HOST: "0.0.0.0", INTERNAL_TOKEN: "t", QUERY_TIMEOUT: "2s" })).toMatchObject({
      listen: { port: 0, host: "0.0.0.0" },
      queryTimeoutMs: 2000,
      internalToken: "t",
    });
  });

  test("reports every invalid value", () => {
    let problems: readonly string[] = [];
    try {
      read({ PORT: "70000", QUERY_TIMEOUT: "soon" });
    } catch (error) {
      if (error instanceof ConfigError) problems = error.problems;
    }
    expect(problems).toEqual([
      expect.stringMatching(/^PORT must .*"70000"/),
      expect.stringMatching(/^QUERY_TIMEOUT must .*"soon"/),
    ]);
  });
});
