/** A listener for as long as its process is wanted. */
import { systemClock } from "../process/clock.ts";
import { aborted } from "../process/lifecycle.ts";
import type { Logger } from "../process/logger.ts";
import { type ListenOptions, listen } from "./listen.ts";

/** How long a stop waits for requests under way. */
const DRAIN_MS = 5000;
/** And for the bodies of answers whose heads are out, when streams keep the server busy for ever. */
const FLUSH_MS = 250;

/**
 * Serves until the signal aborts; then lets requests under way end, and cuts what runs on.
 * @throws AppError `unavailable` when the address is taken
 */
export async function serveUntil(signal: AbortSignal, options: ListenOptions, log: Logger): Promise<void> {
  await using listener = await listen({ ...options, log });
  log.info("listening", { url: listener.url });
  await aborted(signal);
  await Promise.race([listener.drain(DRAIN_MS), listener.idle().then(() => systemClock.sleep(FLUSH_MS))]);
}
