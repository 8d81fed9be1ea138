/** Time and sleep. Code gets a clock as a parameter, so that tests can control it. */
export interface Clock {
  /** Milliseconds since the epoch. It jumps when the system's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start, for durations: it never goes back or jumps. */
  monotonic(): number;
  /** Resolves after `ms`, or as soon as the signal aborts; it never rejects. */
  sleep(ms: number, options?: { signal?: AbortSignal | undefined }): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** Exponential backoff with full jitter: uniform in (0, min(cap, base · 2^attempt)], `attempt` from 0. */
export const backoffMs = (attempt: number, { baseMs = 100, capMs = 10_000 } = {}): number =>
  Math.ceil(Math.random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
