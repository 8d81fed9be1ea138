/** Waits on a condition, never on a span of time. */
const POLL_MS = 5;
/**
 * How long tests wait for a condition or a log line, ms: longer than a busy machine needs, and shorter than the 60 s of a
 * test, so that a failure says what did not happen.
 */
export const DEADLINE_MS = 50_000;

/**
 * Polls `check` until it gives something truthy, and gives that.
 * @throws Error that says what was waited for, when the deadline passes first
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { deadlineMs = DEADLINE_MS, what }: { deadlineMs?: number; what: string },
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
