/** Runs other programs. Every call has a time limit, every failure names its command, every command is logged. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { environmentWith } from "./environment.ts";

/** The end of a program's output is kept, because the reason of a failure comes last. */
const KEPT_CHARACTERS = 4 * 1024 * 1024;
const GRACE_MS = 5000;
/** Exit status of a program that could not be started, as in shells. */
export const NOT_FOUND = 127;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** Standard input. */
  readonly input?: string;
  /** Variables in addition to the script's own. */
  readonly env?: Readonly<Record<string, string>>;
}

export type CommandWords = readonly [program: string, ...args: string[]];

export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly command: CommandWords;
  readonly outcome: Outcome;
  constructor(command: CommandWords, outcome: Outcome, timeoutMs: number) {
    const how = outcome.timedOut ? `did not finish within ${timeoutMs / 1000} s` : `failed with status ${outcome.code}`;
    super(`${command[0]} ${how}`);
    this.command = command;
    this.outcome = outcome;
  }
}

export interface Shell {
  /** If true, `run` prints commands and `ask` returns null; nothing is executed. */
  readonly dryRun: boolean;
  /** Runs a command that changes nothing. Any exit status is an answer; null in a dry run. */
  ask(command: CommandWords, options?: Partial<RunOptions>): Promise<Outcome | null>;
  /**
   * Runs a command that may change something and returns its standard output.
   *
   * @throws CommandFailed if it fails or exceeds its time limit
   */
  run(command: CommandWords, options: RunOptions): Promise<string>;
}

const quoted = (word: string) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Formats a command so that it can be pasted into a shell. */
export const shown = (command: readonly string[]): string => command.map(quoted).join(" ");

const ASK_MS = 20_000;

/** Runs a command. Never rejects: the outcome reports a failure. */
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
    // A program that ends before it has read its input reports the reason itself.
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
    // The log gets the status only: answers are long, and some hold keys and passwords.
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
