import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PROGRAMS } from "../../../infra/scripts/chart/program-variables.ts";
import { readAllInOneConfig, readIngestConfig } from "../../../services/all-in-one/config.ts";
import { ConfigError, type Env } from "../../../services/platform/process/env.ts";
import { readReceiverProcessConfig } from "../../../services/receiver/config.ts";
import { ROOT } from "../../support/programs/process.ts";

const TERMINAL = { isTerminal: false };
const SERVICES = [...Object.keys(PROGRAMS), "receiver"];
const READERS: Readonly<Record<string, (env: Env) => unknown>> = {
  ...PROGRAMS,
  receiver: (env) => readReceiverProcessConfig(env, TERMINAL),
  "all-in-one": (env) => readAllInOneConfig(env, TERMINAL),
  ingest: (env) => readIngestConfig(env, ["export.csv"], TERMINAL),
};

/** Environments under which other variables count: an external queue, sentinels, an external store. */
const SETTINGS: readonly Env[] = [
  {},
  { REDIS_ADDR: "redis:6379" },
  { REDIS_ADDR: "sentinel:26379", REDIS_MODE: "sentinel", REDIS_SENTINEL_NAME: "main" },
  { MONGODB_URI: "mongodb://mongodb:27017" },
];
/** Each variable refuses at least one of these values, or accepts any text. */
const REFUSED = ["\u0001?", "a b", "-1"] as const;

interface Row {
  readonly name: string;
  readonly defaults: string;
  readonly accepted: string;
  readonly programs: readonly string[];
}

async function documentedRows(): Promise<readonly Row[]> {
  const text = await readFile(join(ROOT, "infra/CONFIGURATION.md"), "utf8");
  return text.split("\n").flatMap((line) => {
    const [, name, defaults = "", accepted = "", programs = ""] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const variable = /^`([A-Z_]+)`$/.exec(name ?? "")?.[1];
    if (variable === undefined) return [];
    const readBy = programs.split(", ").flatMap((program) => (program === "services" ? SERVICES : [program]));
    return [{ name: variable, defaults, accepted: accepted.replaceAll(/\\(?=[|\\])/g, ""), programs: readBy }];
  });
}

/** The configuration that a program reads, or the problems that it finds. */
function outcomeOf(program: string, env: Env): { config?: unknown; problems?: readonly string[] } {
  try {
    return { config: READERS[program]!(env) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.problems };
  }
}

const unchanged = new Map(
  Object.keys(READERS).map((program) => [program, SETTINGS.map((env) => outcomeOf(program, env))]),
);

/** The first setting under which a program reads the variable. */
const settingOf = (program: string, name: string): Env | undefined =>
  SETTINGS.find((env, at) => {
    const changed = outcomeOf(program, { ...env, [name]: REFUSED[0] });
    return !Bun.deepEquals(changed, unchanged.get(program)?.[at]);
  });

/** Names that a program asks its environment for. */
function namesOf(program: string): string[] {
  const names = new Set<string>();
  for (const setting of SETTINGS) {
    outcomeOf(
      program,
      new Proxy(setting, {
        get: (env, name) => {
          names.add(String(name));
          return env[String(name)];
        },
      }),
    );
  }
  return [...names];
}

const rows = await documentedRows();

test("CONFIGURATION.md has a row for every variable, and names the programs that read it", () => {
  const documented = rows.flatMap(({ name, programs }) => programs.map((program) => `${program} ${name}`));
  const names = new Set(rows.map(({ name }) => name));
  for (const program of Object.keys(READERS)) for (const name of namesOf(program)) names.add(name);
  const read = Object.keys(READERS).flatMap((program) =>
    [...names].filter((name) => settingOf(program, name) !== undefined).map((name) => `${program} ${name}`),
  );
  expect(documented.sort()).toEqual(read.sort());
});

test("CONFIGURATION.md has the accepted values that programs print when they refuse one", () => {
  let compared = 0;
  for (const { name, accepted, programs } of rows) {
    for (const program of programs) {
      const setting = settingOf(program, name);
      for (const value of REFUSED) {
        const { problems = [] } = outcomeOf(program, { ...setting, [name]: value });
        const problem = problems.find((one) => one.startsWith(`${name} must be `));
        if (problem === undefined) continue;
        expect([program, problem]).toEqual([program, expect.stringContaining(`${name} must be ${accepted}, got `)]);
        compared++;
      }
    }
  }
  expect(compared).toBeGreaterThan(150);
});

/** The documented default of one program: `value`, or null for words. */
function defaultOf({ defaults }: Row, program: string): string | null {
  const parts = defaults.split("; ");
  const own = parts.find((part) => /\((.*)\)$/.exec(part)?.[1]?.split(", ").includes(program));
  return /^`([^`]+)`/.exec(own ?? parts[0] ?? "")?.[1] ?? null;
}

test("CONFIGURATION.md has the defaults of the code", () => {
  let compared = 0;
  for (const row of rows) {
    for (const program of row.programs) {
      const value = defaultOf(row, program);
      const { [row.name]: _, ...setting } = settingOf(program, row.name) ?? {};
      if (value === null) continue;
      const written = outcomeOf(program, { ...setting, [row.name]: value });
      expect([program, row.name, written]).toEqual([program, row.name, outcomeOf(program, setting)]);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(80);
});
