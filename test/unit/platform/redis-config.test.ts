import { describe, expect, test } from "bun:test";
import { ConfigError } from "../../../services/platform/process/env.ts";
import { readRedisConfig } from "../../../services/platform/redis/config.ts";

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readRedisConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe("readRedisConfig()", () => {
  test("defaults to one server without a password", () => {
    expect(readRedisConfig({ REDIS_PASSWORD: "" })).toEqual({
      mode: "single",
      addresses: [{ host: "redis", port: 6379 }],
      sentinelName: null,
      username: null,
      password: null,
      db: 0,
      tls: false,
    });
  });

  test("reads one server, sentinels and a cluster", () => {
    const login = { REDIS_USERNAME: "queue", REDIS_PASSWORD: "secret" };
    expect(readRedisConfig({ REDIS_ADDR: "[::1]:7000", REDIS_DB: "3", REDIS_TLS: "true", ...login })).toMatchObject({
      addresses: [{ host: "::1", port: 7000 }],
      username: "queue",
      password: "secret",
      db: 3,
      tls: true,
    });
    const sentinels = { REDIS_MODE: "sentinel", REDIS_ADDR: "a, b:1234", REDIS_SENTINEL_NAME: "main" };
    expect(readRedisConfig(sentinels)).toMatchObject({
      mode: "sentinel",
      addresses: [
        { host: "a", port: 26_379 },
        { host: "b", port: 1234 },
      ],
      sentinelName: "main",
    });
    expect(readRedisConfig({ REDIS_MODE: "cluster", REDIS_ADDR: "10.0.0.1:7000,10.0.0.2" }).addresses).toEqual([
      { host: "10.0.0.1", port: 7000 },
      { host: "10.0.0.2", port: 6379 },
    ]);
  });

  test("reports every invalid value", () => {
    for (const address of ["redis://host", "host:0", "host:65536", "host:", "a,,b", "us er", "[::1"]) {
      expect(problemsOf({ REDIS_ADDR: address })).toEqual([
        `REDIS_ADDR must be host:port, or several separated by commas, got ${JSON.stringify(address)}`,
      ]);
    }
    expect(problemsOf({ REDIS_ADDR: "a,b" })).toEqual([
      'REDIS_ADDR must be one host:port when REDIS_MODE is single, got "a,b"',
    ]);
    expect(problemsOf({ REDIS_MODE: "sentinel" })).toEqual([
      "REDIS_SENTINEL_NAME must be set when REDIS_MODE is sentinel",
    ]);
    expect(problemsOf({ REDIS_MODE: "cluster", REDIS_DB: "1" })).toEqual([
      'REDIS_DB must be 0 when REDIS_MODE is cluster, got "1"',
    ]);
  });
});
