/** Parses the arguments of a recipe: `KEY=VALUE` and `--dry-run`. */
import { UsageError } from "./trouble.ts";

/** Accepted keys and their meaning. */
export type Keys = Readonly<Record<string, string>>;

export interface CommandLine {
  readonly values: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  readonly help: boolean;
}

export interface Command {
  readonly name: string;
  /** One sentence. */
  readonly does: string;
  readonly keys: Keys;
  readonly required?: readonly string[];
  readonly dryRun?: boolean;
}

export function usageOf({ name, does, keys, required = [], dryRun = false }: Command): string {
  const names = Object.keys(keys);
  const shown = names.map((key) => (required.includes(key) ? `${key}=…` : `[${key}=…]`));
  const width = Math.max(9, ...names.map((key) => key.length));
  const lines = names.map((key) => `  ${key.padEnd(width)}  ${keys[key]}`);
  if (dryRun) lines.push(`  ${"--dry-run".padEnd(width)}  print the commands without running them`);
  return `Usage: just ${[name, ...shown, ...(dryRun ? ["[--dry-run]"] : [])].join(" ")}\n\n${does}\n\n${lines.join("\n")}\n`;
}

/**
 * Arguments win over `given`, the values from the environment. An empty value counts as not set.
 *
 * @throws UsageError if a key is unknown or a required one is missing
 */
export function parseCommandLine(
  command: Command,
  args: readonly string[],
  given: Readonly<Record<string, string>> = {},
): CommandLine {
  const accepted = Object.keys(command.keys);
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) if (accepted.includes(key)) values[key] = value;
  let dryRun = false;
  let help = false;
  for (const argument of args) {
    if (argument === "--help" || argument === "-h") help = true;
    else if (argument === "--dry-run" && command.dryRun === true) dryRun = true;
    else {
      const [, key, value] = /^([A-Za-z_]+)=(.*)$/s.exec(argument) ?? [];
      if (key === undefined || !accepted.includes(key)) {
        const keys = accepted.map((each) => `${each}=…`).join(", ");
        throw new UsageError(`argument must be one of ${keys}, got ${JSON.stringify(argument)}`);
      }
      if (value === "") delete values[key];
      else values[key] = value!;
    }
  }
  const missing = help ? [] : (command.required ?? []).filter((key) => values[key] === undefined);
  if (missing.length > 0) throw new UsageError(`${missing.join(" and ")} must be set`);
  return { values, dryRun, help };
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw new UsageError(`PORT must be a whole number from 1 to 65535, got ${JSON.stringify(text)}`);
  return port;
}

/** Returns the seconds that pods may take to become ready; 300 by default. */
export function parseTimeout(text: string | undefined): number {
  if (text === undefined) return 300;
  const [, number, unit] = /^(\d{1,5})(s|m)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0) {
    throw new UsageError(`TIMEOUT must be seconds or minutes such as 90s or 10m, got ${JSON.stringify(text)}`);
  }
  return Number(number) * (unit === "m" ? 60 : 1);
}
