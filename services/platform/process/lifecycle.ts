/** Starts and ends a process: has its one AbortController, which SIGTERM and SIGINT abort, and sets the exit status. */
import { isAppError } from "../../../schema/model/errors.ts";
import { ConfigError, readEnvironment } from "./env.ts";
import type { LogConfig } from "./log-config.ts";
import { type Logger, openLogger } from "./logger.ts";
import { warnOfPublishedSecrets } from "./published-secrets.ts";
import { nameResembling } from "./variables.ts";

/** How long a stop may take. After this time, the process exits with status 1. */
export const STOP_DEADLINE_MS = 25_000;

/**
 * Signals within this time count as one: on Ctrl-C the terminal signals the package runner and this process, and the
 * runner signals this process again.
 */
const SAME_SIGNAL_MS = 500;

/** Exit status if a person or the system stopped the program before its work was done. */
export const INTERRUPTED = 130;

/** How long the process waits before its exit for a slow reader of standard output and standard error. */
const FLUSH_MS = 2000;

/** Resolves when the signal aborts, or at once if it is already aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

export interface Program<Config extends { readonly log: LogConfig }> {
  /** @throws ConfigError: printed to standard error, exit status 2 */
  readonly read: () => Config;
  /** Resolves to the exit status of the process. */
  readonly run: (config: Config, context: { log: Logger; signal: AbortSignal }) => Promise<number>;
  /** Receives the log lines. Default: standard output. */
  readonly output?: { write(line: string): unknown };
}

let exiting: Promise<never> | undefined;

/**
 * Ends the process after its output is written, because `process.exit` drops the lines that Bun still buffers for a
 * pipe. If called several times, the first call decides the status.
 */
function exit(status: number): Promise<never> {
  exiting ??= flush().then(() => process.exit(status));
  return exiting;
}

/** Resolves when standard output and standard error are written, or after `FLUSH_MS`. */
async function flush(): Promise<void> {
  const written = [process.stdout, process.stderr].map((stream) => {
    // A closed pipe, or a line that is logged after the end, must not change the exit status.
    stream.on("error", () => {});
    return new Promise<void>((resolve) => stream.end(resolve));
  });
  await Promise.race([Promise.all(written), new Promise((resolve) => setTimeout(resolve, FLUSH_MS))]);
}

/** Returns a signal that aborts at the first SIGTERM or SIGINT. A second one ends the process at once. */
function stopOnSignals(log: Logger): AbortSignal {
  const controller = new AbortController();
  let stoppedAt = 0;
  const stop = (name: string) => {
    if (controller.signal.aborted) {
      if (performance.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
      return;
    }
    stoppedAt = performance.now();
    log.info("stopping", { signal: name });
    controller.abort();
    setTimeout(() => {
      log.error("stop took too long", { deadlineMs: STOP_DEADLINE_MS });
      void exit(1);
    }, STOP_DEADLINE_MS).unref();
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop(name));
  return controller.signal;
}

/** Runs a program to its end. Exit status: what `run` resolves to; 1 if it throws; 2 for an invalid configuration. */
export async function runProgram<Config extends { readonly log: LogConfig }>(
  name: string,
  { read, run, output = process.stdout }: Program<Config>,
): Promise<never> {
  let config: Config;
  try {
    config = read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return await exit(2);
  }
  const log = await openLogger(name, { ...config.log, write: (line) => void output.write(line) });
  warnOfPublishedSecrets(readEnvironment(), log);
  nameResembling(readEnvironment(), log);
  process.on("unhandledRejection", (reason) => {
    log.error("unhandled rejection", { reason });
    void exit(1);
  });
  let status = 1;
  try {
    status = await run(config, { log, signal: stopOnSignals(log) });
  } catch (error) {
    if (isAppError(error)) log.error("stopped", { reason: error.message });
    else log.error("stopped by an error", { error });
  }
  return await exit(status);
}
