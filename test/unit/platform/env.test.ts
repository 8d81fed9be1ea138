import { describe, expect, test } from "bun:test";
import {
  boolean,
  byteSize,
  ConfigError,
  choice,
  duration,
  gatherConfigs,
  integer,
  parseEnv,
  rate,
  text,
} from "../../../services/platform/process/env.ts";

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe("parseEnv()", () => {
  const shape = {
    WAIT: duration({ minMs: 10 }).default(250),
    SIZE: byteSize().default(1024),
    COUNT: integer({ min: 1, max: 9 }).default(3),
    FLAG: boolean().default(true),
    LEVEL: choice("low", "high").default("low"),
    LIMIT: rate().default(null),
    API_TOKEN: text().min(8, "at least 8 characters").optional(),
  };

  test("takes the defaults where nothing or an empty value is set", () => {
    expect(parseEnv({ WAIT: "", COUNT: undefined }, shape)).toEqual({
      WAIT: 250,
      SIZE: 1024,
      COUNT: 3,
      FLAG: true,
      LEVEL: "low",
      LIMIT: null,
    });
  });

  test("reads units", () => {
    const config = parseEnv({ WAIT: "1.5s", SIZE: "512MiB", FLAG: "false", LIMIT: "100/s" }, shape);
    expect([config.WAIT, config.SIZE, config.FLAG, config.LIMIT]).toEqual([1500, 512 * 1024 ** 2, false, 100]);
  });

  test("reports every invalid variable with accepted values and value in one error", () => {
    expect(
      problemsOf(() => parseEnv({ WAIT: "5", COUNT: "ten", FLAG: "yes", LEVEL: "mid", SIZE: "1GB" }, shape)),
    ).toEqual([
      'WAIT must be a duration such as 100ms, 30s or 5m, at least 10ms, got "5"',
      'SIZE must be a size such as 64KiB, 512MiB or 1GiB, got "1GB"',
      'COUNT must be a whole number from 1 to 9, got "ten"',
      'FLAG must be true or false, got "yes"',
      'LEVEL must be one of low, high, got "mid"',
    ]);
  });

  test("never prints a secret", () => {
    const [problem] = problemsOf(() => parseEnv({ API_TOKEN: "hunter2" }, shape));
    expect(problem).toBe("API_TOKEN must be at least 8 characters, got (hidden)");
  });
});

test("gatherConfigs() reports the problems of all configurations once", () => {
  const port = (env: Record<string, string>) => parseEnv(env, { PORT: integer({ max: 65_535 }) });
  const env = { PORT: "eighty", WAIT: "soon" };
  expect(
    problemsOf(() =>
      gatherConfigs({ a: () => port(env), b: () => port(env), c: () => parseEnv(env, { WAIT: duration() }) }),
    ),
  ).toEqual([
    'PORT must be a whole number from 0 to 65535, got "eighty"',
    'WAIT must be a duration such as 100ms, 30s or 5m, got "soon"',
  ]);
});
