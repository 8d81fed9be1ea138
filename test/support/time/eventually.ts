/** Waits for a condition, never for a span of time. */
const POLL_MS = 5;
/**
 * How long tests wait for a condition or a log line, ms. It is longer than a busy machine needs, and shorter than the
 * 60 s of a test, so that a failure names the missing condition.
 */
export const DEADLINE_MS = 50_000;

/**
 * Polls `check` until it returns a truthy value, and returns that value.
 * @throws Error that names the condition when the deadline passes first
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
