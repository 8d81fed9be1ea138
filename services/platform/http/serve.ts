/** Serves HTTP until the process is asked to stop. */
import { systemClock } from "../process/clock.ts";
import { aborted } from "../process/lifecycle.ts";
import type { Logger } from "../process/logger.ts";
import { type ListenOptions, listen } from "./listen.ts";

/** How long a stop waits for running requests. */
const DRAIN_MS = 5000;
/** How long a stop waits for response bodies once every request has a response; endless streams would never finish. */
const FLUSH_MS = 250;

/**
 * Serves until the signal aborts. Then lets running requests finish, and cuts streams.
 * @throws AppError `unavailable` when the address is taken
 */
export async function serveUntil(signal: AbortSignal, options: ListenOptions, log: Logger): Promise<void> {
  await using listener = await listen({ ...options, log });
  log.info("listening", { url: listener.url });
  await aborted(signal);
  await Promise.race([listener.drain(DRAIN_MS), listener.idle().then(() => systemClock.sleep(FLUSH_MS))]);
}
