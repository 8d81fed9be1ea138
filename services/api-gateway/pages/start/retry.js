/** Trying again: at first soon, then less and less often, and never all pages at the same moment. */
import { Away, Locked } from "./server.js";

const FIRST_MS = 500;
const LONGEST_MS = 5000;

/** Resolves early when the signal aborts. */
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
 * Runs `task` until the signal aborts. `task` gets a function to call when it went well, and throws when it is over.
 * @param lets errors that are for the caller to treat, by class
 * @param onWait told why, and in how many seconds the next attempt is
 */
export async function keepTrying(task, { signal, lets = [Locked, Away], onWait = () => {} }) {
  let attempt = 0;
  while (!signal.aborted) {
    try {
      await task(() => {
        attempt = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (lets.some((kind) => error instanceof kind)) throw error;
      const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.8 + 0.4 * Math.random());
      attempt++;
      for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs -= 1000) {
        onWait(error.message, Math.ceil(leftMs / 1000));
        await pause(Math.min(leftMs, 1000), signal);
      }
    }
  }
}
