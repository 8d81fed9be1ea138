/** Reads the environment, and parses its variables: the only file that touches `process.env`. */
import ms from "ms";
import { z } from "zod";

export type Env = Readonly<Record<string, string | undefined>>;

export const readEnvironment = (): Env => process.env;

/** All problems of a configuration. Each names the variable, the accepted values and the given one. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Invalid configuration:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Makes a reader of values out of a function that returns undefined for a text that is not accepted. */
export const parsed = <T>(accepted: string, parse: (text: string) => T | undefined) =>
  z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: accepted });
    return z.NEVER;
  });

/** Parses a duration such as `100ms`, `30s`, `5m`, `12h`, `7d` or `0` to milliseconds. */
export const duration = ({ minMs = 0, maxMs = Number.MAX_SAFE_INTEGER, examples = "100ms, 30s or 5m" } = {}) =>
  parsed(`a duration such as ${examples}${minMs > 0 ? `, at least ${ms(minMs)}` : ""}`, (text) => {
    if (!/^(0|\d+(\.\d+)?(ms|s|m|h|d))$/.test(text)) return undefined;
    const value = ms(text as ms.StringValue);
    return value >= minMs && value <= maxMs ? value : undefined;
  });

export const integer = ({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}) =>
  parsed(`a whole number from ${min} to ${max}`, (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
  });

export const boolean = () =>
  parsed("true or false", (text) => (text === "true" ? true : text === "false" ? false : undefined));

/** Parses a size such as `512MiB`, `64KiB`, `1GiB` or a plain number to bytes. */
export const byteSize = ({ min = 0 } = {}) =>
  parsed("a size such as 64KiB, 512MiB or 1GiB", (text) => {
    const match = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(text);
    if (match === null) return undefined;
    const value = Number(match[1]) * { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[(match[2] ?? "B") as "B"];
    return Number.isSafeInteger(value) && value >= min ? value : undefined;
  });

export const choice = <const T extends string>(...accepted: readonly T[]) =>
  parsed(`one of ${accepted.join(", ")}`, (text) => accepted.find((option) => option === text));

export const text = () => z.string();

/** Accepts an http or https URL, and returns it unchanged. */
export const url = () =>
  parsed("a URL such as http://host:8080", (text) =>
    URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : undefined,
  );

/** Parses a rate such as `100/s` to requests per second, and `0` to null, which means no limit. */
export const rate = () =>
  parsed("a rate such as 100/s, or 0 for none", (value) => {
    if (value === "0") return null;
    const match = /^(\d+)\/s$/.exec(value);
    return match !== null && Number(match[1]) > 0 ? Number(match[1]) : undefined;
  });

/** Parses one or more of `host`, `host:port` and `[::1]:port`, separated by commas. */
export const addresses = ({ defaultPort }: { defaultPort: number }) =>
  parsed("host:port, or several separated by commas", (value) => {
    const found = value.split(",").map((part) => {
      const match = /^(?:\[([\da-fA-F:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(part.trim());
      const port = Number(match?.[3] ?? defaultPort);
      return match === null || port < 1 || port > 65_535 ? null : { host: (match[1] ?? match[2]) as string, port };
    });
    return found.includes(null) ? undefined : (found as { host: string; port: number }[]);
  });

const SECRET = /TOKEN|PASSWORD|URI|URL|HTTP_SD/;

/**
 * Reads the variables that `shape` names. An empty value counts as unset.
 * @throws ConfigError with every problem found
 */
export function parseEnv<Shape extends z.ZodRawShape>(env: Env, shape: Shape): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.keys(shape).map((name) => [name, env[name] === "" ? undefined : env[name]]));
  const outcome = z.object(shape).safeParse(given);
  if (outcome.success) return outcome.data;
  throw new ConfigError(
    outcome.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const value = given[name];
      if (value === undefined) return `${name} must be set`;
      return `${name} must be ${issue.message}, got ${SECRET.test(name) ? "(hidden)" : JSON.stringify(value)}`;
    }),
  );
}

/**
 * Reads several configurations from one environment.
 * @throws ConfigError with the problems of all of them
 */
export function gatherConfigs<T extends Readonly<Record<string, () => unknown>>>(
  readers: T,
): { [Name in keyof T]: ReturnType<T[Name]> } {
  const problems = new Set<string>();
  const configs: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(readers)) {
    try {
      configs[name] = read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.add(problem);
    }
  }
  if (problems.size > 0) throw new ConfigError([...problems]);
  return configs as { [Name in keyof T]: ReturnType<T[Name]> };
}
