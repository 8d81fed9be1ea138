/** One AbortController per process: SIGTERM and SIGINT ask it to stop, everything else takes its signal. */
import type { Logger } from "./logger.ts";

/** How long a stop may take before the process ends regardless. */
const STOP_DEADLINE_MS = 25_000;

/**
 * Runs a service until it returns or a signal stops it, then ends the process: 0 after a clean stop or the
 * returned code, 1 when it threw. A second signal ends it at once with 130.
 */
export async function runProcess(
  log: Logger,
  run: (signal: AbortSignal) => Promise<number | undefined>,
): Promise<never> {
  const controller = new AbortController();
  const stop = (name: string) => {
    if (controller.signal.aborted) process.exit(130);
    log.info("stopping", { signal: name });
    controller.abort();
    setTimeout(() => {
      log.error("stop took too long", { deadlineMs: STOP_DEADLINE_MS });
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop(name));
  process.on("unhandledRejection", (reason) => {
    log.error("unhandled rejection", { reason });
    process.exit(1);
  });
  try {
    process.exit((await run(controller.signal)) ?? 0);
  } catch (error) {
    log.error("stopped by an error", { error });
    process.exit(1);
  }
}
