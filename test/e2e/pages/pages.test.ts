import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import packageJson from "../../../package.json" with { type: "json" };
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { openContract } from "../../support/api/contract.ts";

let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ config: { corsOrigins: ["https://ok.example"] } });
});
afterAll(() => api[Symbol.asyncDispose]());

describe("health", () => {
  test("/health has status and time; 503 names what is unavailable", async () => {
    const contract = await openContract(api.url);
    const healthy = await api.get("/health");
    const body = contract.check("/health", healthy, await healthy.text());
    expect(healthy.status).toBe(200);
    expect(Object.keys(body)).toEqual(["status", "timestamp"]);
    api.health.now = { healthy: false, away: { store: "does not answer" } };
    const unhealthy = await api.get("/health");
    const trouble = contract.check("/health", unhealthy, await unhealthy.text());
    expect([unhealthy.status, trouble.status, trouble.dependencies]).toEqual([
      503,
      "unhealthy",
      { store: "does not answer" },
    ]);
    expect((await api.get("/readyz")).status).toBe(503);
    expect((await api.get("/healthz")).status).toBe(200);
    api.health.now = { healthy: true, away: {} };
    expect((await api.get("/readyz")).status).toBe(200);
  });

  test("/metrics counts requests by route, not by path", async () => {
    await api.get("/api/v1/gpus/GPU-1/telemetry");
    await api.get("/some/random/path");
    const text = await (await api.get("/metrics")).text();
    expect(text).toContain('route="/api/v1/gpus/{uuid}/telemetry",method="GET",status="400"');
    expect(text).not.toContain("random");
    expect(text).toContain("gpu_telemetry_subscriptions 0");
  });
});

describe("pages", () => {
  const browser = { headers: { accept: "text/html,application/xhtml+xml" } };

  test("load nothing from other sites", async () => {
    for (const path of [
      "/",
      "/start/start.js",
      "/start/start.css",
      "/swagger/index.html",
      "/swagger/swagger-initializer.js",
    ]) {
      const response = await api.get(path, browser);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).not.toMatch(/(src|href|url|import)[=(:]?\s*["'(]?(https?:)?\/\/(?!localhost)/i);
    }
  });

  test("GraphiQL is served from our own files", async () => {
    const response = await api.get("/graphql", browser);
    expect(response.headers.get("content-type")).toContain("text/html");
    const html = await response.text();
    expect(html).toContain("renderYogaGraphiQL");
    expect(html).not.toMatch(/<(script|link)[^>]+(src|href)=["']?https?:/);
  });

  test("every file that a page names exists", async () => {
    for (const page of ["/", "/swagger/index.html"]) {
      const html = await (await api.get(page, browser)).text();
      const named = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map((match) => match[1] ?? "");
      expect(named.length).toBeGreaterThan(2);
      for (const path of named) expect([path, (await api.get(path, browser)).status]).toEqual([path, 200]);
    }
  });

  test("/swagger redirects to Swagger UI; of its package, only the listed files are served", async () => {
    expect((await api.get("/swagger", { redirect: "manual" })).headers.get("location")).toBe("/swagger/index.html");
    for (const path of ["/swagger/package.json", "/swagger/../package.json", "/swagger/%2e%2e/package.json"]) {
      expect((await api.get(path)).status).toBe(404);
    }
  });

  test("all answers have security headers", async () => {
    for (const path of [
      "/",
      "/api/v1/gpus",
      "/nothing",
      "/graphql?query={__typename}",
      "/healthz",
      "/graphql?query={",
    ]) {
      const { headers } = await api.get(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect([headers.get("server"), headers.get("x-powered-by")]).toEqual([null, null]);
    }
    expect((await api.get("/api/v1/gpus")).headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await api.get("/")).headers.get("content-security-policy")).toContain("default-src 'self'");
  });

  test("a file accepts GET and HEAD only", async () => {
    for (const path of ["/openapi.json", "/about.json"]) {
      const response = await api.get(path, { method: "POST" });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
  });

  test("/about.json has version, uptime, wiring and subgraphs", async () => {
    const about = await (await api.get("/about.json")).json();
    expect(about).toEqual({
      version: packageJson.version,
      uptimeSeconds: expect.any(Number),
      wiring: "embedded",
      subgraphs: ["inventory", "telemetry", "pipeline"],
      sample: false,
    });
    await using remote = await openRemoteApi();
    expect(await (await remote.get("/about.json")).json()).toMatchObject({ wiring: "distributed" });
  });
});

describe("CORS", () => {
  const preflight = (origin: string) =>
    api.get("/graphql", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });

  test("allows listed origins only", async () => {
    expect((await preflight("https://ok.example")).headers.get("access-control-allow-origin")).toBe(
      "https://ok.example",
    );
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
    const listed = await api.get("/api/v1/gpus", { headers: { origin: "https://ok.example" } });
    expect(listed.headers.get("access-control-allow-origin")).toBe("https://ok.example");
    expect(listed.headers.get("access-control-allow-credentials")).toBeNull();
  });
});

describe("API_TOKEN", () => {
  test("is required for everything except health and pages without data, over HTTP and WebSocket", async () => {
    await using guarded = await openApi({ config: { apiToken: "s3cret" } });
    const right = { headers: { authorization: "Bearer s3cret" } };
    const contract = await openContract(api.url);
    for (const path of ["/api/v1/gpus", "/graphql?query={__typename}", "/metrics", "/nothing"]) {
      for (const headers of [{}, { authorization: "Bearer s3cre" }, { authorization: "s3cret" }]) {
        const response = await guarded.get(path, { headers });
        expect([path, response.status]).toEqual([path, 401]);
        contract.check("/api/v1/gpus", response, await response.text());
      }
      expect((await guarded.get(path, right)).status).toBe(path === "/nothing" ? 404 : 200);
    }
    expect((await guarded.get("/metrics", { headers: { authorization: "bearer s3cret" } })).status).toBe(200);
    for (const path of ["/", "/swagger/index.html", "/openapi.json"]) {
      expect([path, (await guarded.get(path)).status]).toEqual([path, 200]);
    }
    expect((await guarded.get("/graphql", { headers: { accept: "text/html" } })).status).toBe(200);
    for (const path of ["/health", "/healthz", "/readyz"]) expect((await guarded.get(path)).status).toBe(200);

    const total = async (connectionParams: Record<string, string>) => {
      const url = `${guarded.url.replace("http", "ws")}/graphql`;
      const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams });
      const answer = await client
        .iterate({ query: "{ gpus { total } }" })
        .next()
        .catch((close) => close.code);
      await client.dispose();
      return answer.value?.data ?? answer;
    };
    expect(await total({})).toBe(4403);
    expect(await total({ authorization: "Bearer s3cret" })).toEqual({ gpus: { total: 3 } });
    expect(await total({ Authorization: "Bearer s3cret" })).toEqual({ gpus: { total: 3 } });
  });
});
