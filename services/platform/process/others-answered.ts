/** Interrupts long work, so that the process answers other requests, probes among them. */

/** Deno may run many immediates before it looks for requests, and a timer takes over a millisecond on both runtimes. */
const LOOK_MS = 20;
let lookedAt = 0;

/** Resolves when the events that have arrived are handled. Call it between steps of a few milliseconds. */
export const othersAnswered = (): Promise<void> =>
  new Promise((resolve) => {
    if (performance.now() - lookedAt < LOOK_MS) setImmediate(resolve);
    else
      setTimeout(() => {
        lookedAt = performance.now();
        resolve();
      }, 0);
  });
