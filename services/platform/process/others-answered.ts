/** Interrupts long work, so that the process answers other requests, probes among them. */

/** Resolves when the events that have arrived are handled. Call it between steps of a few milliseconds. */
export const othersAnswered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
