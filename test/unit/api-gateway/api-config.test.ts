import { expect, test } from "bun:test";
import { readApiConfig, readGatewayConfig } from "../../../services/api-gateway/config.ts";

test("readApiConfig() has a default for each variable, and prefers API_PORT to PORT", () => {
  expect(readApiConfig({})).toEqual({
    port: 8080,
    host: "127.0.0.1",
    apiToken: null,
    adminToken: null,
    corsOrigins: [],
    allowedHosts: [],
    queryTimeoutMs: 30_000,
    maxSubscriptions: 1000,
    rateLimit: null,
    trustedProxies: 0,
    introspection: true,
    graphiql: true,
  });
  expect(readApiConfig({ PORT: "9000" }).port).toBe(9000);
  expect(readApiConfig({ PORT: "9000", API_PORT: "9001" }).port).toBe(9001);
});

test("readApiConfig() names every invalid variable, and shows no secret", () => {
  const env = {
    PORT: "http",
    CORS_ORIGINS: "https://ok.example, ok.example",
    QUERY_TIMEOUT: "soon",
    MAX_SUBSCRIPTIONS: "0",
    API_TOKEN: "s3cret",
  };
  expect(() => readApiConfig(env)).toThrow(
    /PORT must .*"http"[\s\S]*CORS_ORIGINS must [\s\S]*QUERY_TIMEOUT must .*"soon"[\s\S]*MAX_SUBSCRIPTIONS must .*"0"/,
  );
  expect(() => readApiConfig(env)).not.toThrow(/s3cret/);
  expect(readApiConfig({ CORS_ORIGINS: "https://a.example, http://b.example:3000" }).corsOrigins).toEqual([
    "https://a.example",
    "http://b.example:3000",
  ]);
});

test("readApiConfig() reads host names of ALLOWED_HOSTS, with wildcards and *, and refuses invalid names", () => {
  const read = (list: string) => readApiConfig({ ALLOWED_HOSTS: list }).allowedHosts;
  expect(read("gpus.example.com, *.example.org,gpubox")).toEqual(["gpus.example.com", "*.example.org", "gpubox"]);
  expect(read("*")).toEqual(["*"]);
  for (const wrong of [
    "https://a.example",
    "a.example:8080",
    "a.*.example",
    "**",
    "a,,b",
    "a b",
    "a/b",
    "[::1]",
    "u@a",
  ]) {
    expect(() => read(wrong)).toThrow(/^Invalid[\s\S]*ALLOWED_HOSTS must be a list of host names such as .*, got "/);
  }
});

test("readGatewayConfig() finds subgraphs by service name by default, and refuses invalid addresses", () => {
  const read = (env: Record<string, string>) => readGatewayConfig(env, { isTerminal: false });
  expect(read({})).toMatchObject({
    subgraphs: { inventory: "http://inventory:8080/graphql", telemetry: "http://telemetry:8080/graphql" },
    internalToken: null,
  });
  expect(read({ TELEMETRY_URL: "https://t.example/graphql", INTERNAL_TOKEN: "t" })).toMatchObject({
    subgraphs: { telemetry: "https://t.example/graphql" },
    internalToken: "t",
  });
  expect(() => read({ INVENTORY_URL: "inventory:8080", QUERY_TIMEOUT: "soon" })).toThrow(
    /QUERY_TIMEOUT[\s\S]*INVENTORY_URL must be a URL such as http:\/\/host:8080, got \(hidden\)/,
  );
});
