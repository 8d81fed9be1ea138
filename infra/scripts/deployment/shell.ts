/** Runs other programs: every call has a time limit, every failure names the command, everything goes to a log. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { environmentWith } from "./environment.ts";

/** What is kept of a program's output: the end, where the reason stands. */
const KEPT_CHARACTERS = 4 * 1024 * 1024;
const GRACE_MS = 5000;
/** A program that could not be started at all, as shells say it. */
export const NOT_FOUND = 127;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** Written to its standard input. */
  readonly input?: string;
  /** Beside the environment of the script. */
  readonly env?: Readonly<Record<string, string>>;
}

export type CommandWords = readonly [program: string, ...args: string[]];

export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly command: CommandWords;
  readonly outcome: Outcome;
  constructor(command: CommandWords, outcome: Outcome, timeoutMs: number) {
    const how = outcome.timedOut ? `did not end within ${timeoutMs / 1000} s` : `ended with status ${outcome.code}`;
    super(`${command[0]} ${how}`);
    this.command = command;
    this.outcome = outcome;
  }
}

export interface Shell {
  /** Nothing is run: questions have no answer, changes are only printed. */
  readonly dryRun: boolean;
  /** Asks and changes nothing; any status is an answer. null when nothing is run. */
  ask(command: CommandWords, options?: Partial<RunOptions>): Promise<Outcome | null>;
  /** Changes something, and gives what it printed. @throws CommandFailed for any status but 0 */
  run(command: CommandWords, options: RunOptions): Promise<string>;
}

const quoted = (word: string) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** To be pasted into a shell. */
export const shown = (command: readonly string[]): string => command.map(quoted).join(" ");

const ASK_MS = 20_000;

/** @throws nothing: what goes wrong is in the outcome */
function start(command: CommandWords, { timeoutMs, input, env }: RunOptions, log: (text: string) => void) {
  return new Promise<Outcome>((resolve) => {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: "pipe", env: environmentWith(env) });
    const output = { stdout: "", stderr: "" };
    let timedOut = false;
    let killer: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGTERM");
      killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    }, timeoutMs);
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] = (output[name] + text).slice(-KEPT_CHARACTERS);
        log(text);
      });
    }
    const settle = (code: number) => {
      clearTimeout(timer);
      clearTimeout(killer);
      resolve({ code, ...output, timedOut });
    };
    child.on("error", (error) => {
      output.stderr += `${error.message}\n`;
      settle(NOT_FOUND);
    });
    child.on("close", (code) => settle(timedOut ? 124 : (code ?? 1)));
    // A program that does not read its input to the end says why in its own words.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

export function createShell({ logFile }: { logFile: string }): Shell {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile);
  const execute = async (command: CommandWords, options: RunOptions, keep: (text: string) => void) => {
    log.write(`$ ${shown(command)}\n`);
    const outcome = await start(command, options, keep);
    log.write(`# status ${outcome.code}\n`);
    return outcome;
  };
  return {
    dryRun: false,
    // Answers are long, and some hold keys and passwords: their status has to do.
    ask: (command, options = {}) => execute(command, { timeoutMs: ASK_MS, ...options }, () => {}),
    run: async (command, options) => {
      const outcome = await execute(command, options, (text) => log.write(text));
      if (outcome.code !== 0) throw new CommandFailed(command, outcome, options.timeoutMs);
      return outcome.stdout;
    },
  };
}

export function createDryShell(print: (line: string) => void): Shell {
  return {
    dryRun: true,
    ask: async () => null,
    run: async (command) => {
      print(`      ${shown(command)}`);
      return "";
    },
  };
}
