/** One AbortController per process: SIGTERM and SIGINT ask it to stop, everything else takes its signal. */
import { isAppError } from "../../../schema/model/errors.ts";
import { ConfigError } from "./env.ts";
import type { LogConfig } from "./log-config.ts";
import { type Logger, openLogger } from "./logger.ts";

/** How long a stop may take before the process ends regardless. */
export const STOP_DEADLINE_MS = 25_000;

/** A terminal sends Ctrl-C to the package runner and to us, and the runner passes it on: that is one wish, not two. */
const SAME_WISH_MS = 500;

/** Exit status of a program that a person or the system asked to stop before its work was done. */
export const INTERRUPTED = 130;

/** Resolves when the signal aborts; at once when it has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

export interface Program<Config extends { readonly log: LogConfig }> {
  /** @throws ConfigError: printed as it is, exit status 2 */
  readonly read: () => Config;
  /** Ends the process when it returns, with the status it gives. */
  readonly run: (config: Config, context: { log: Logger; signal: AbortSignal }) => Promise<number>;
  /** Where log lines go. Default: standard output. */
  readonly output?: { write(line: string): unknown };
}

function readConfig<Config>(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** Aborts at the first signal; a second one ends the process at once. */
function stopOnSignals(log: Logger): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const stop = (name: string) => {
    if (controller.signal.aborted) {
      if (performance.now() - askedAt > SAME_WISH_MS) process.exit(INTERRUPTED);
      return;
    }
    askedAt = performance.now();
    log.info("stopping", { signal: name });
    controller.abort();
    setTimeout(() => {
      log.error("stop took too long", { deadlineMs: STOP_DEADLINE_MS });
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop(name));
  return controller.signal;
}

/** Runs a program to its end: its own status, 1 when it threw, 2 when its configuration is not usable. */
export async function runProgram<Config extends { readonly log: LogConfig }>(
  name: string,
  { read, run, output = process.stdout }: Program<Config>,
): Promise<never> {
  const config = readConfig(read);
  const log = await openLogger(name, { ...config.log, write: (line) => void output.write(line) });
  process.on("unhandledRejection", (reason) => {
    log.error("unhandled rejection", { reason });
    process.exit(1);
  });
  try {
    process.exit(await run(config, { log, signal: stopOnSignals(log) }));
  } catch (error) {
    if (isAppError(error)) log.error("stopped", { reason: error.message });
    else log.error("stopped by an error", { error });
    process.exit(1);
  }
}
