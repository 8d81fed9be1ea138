/** Retries with exponential backoff, and with jitter so that open pages do not retry all at once. */
import { Locked, Offline } from "./server.js";

const FIRST_MS = 500;
const LONGEST_MS = 5000;

/** Resolves after `ms`, or as soon as the signal aborts. */
export const pause = (ms, signal) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });

/**
 * Runs `task` again and again until the signal aborts. `task` calls its argument when it has succeeded, which resets
 * the backoff, and throws when it has failed.
 * @param rethrown classes of errors that end the retries: they are thrown on
 * @param onWait called each second of a pause with the reason and the seconds that are left
 */
export async function keepTrying(task, { signal, rethrown = [Locked, Offline], onWait = () => {} }) {
  let attempt = 0;
  while (!signal.aborted) {
    try {
      await task(() => {
        attempt = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (rethrown.some((kind) => error instanceof kind)) throw error;
      const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.8 + 0.4 * Math.random());
      attempt++;
      for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs -= 1000) {
        onWait(error.message, Math.ceil(leftMs / 1000));
        await pause(Math.min(leftMs, 1000), signal);
      }
    }
  }
}
