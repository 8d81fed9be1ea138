/** When everything that was published has been stored. */
import type { Clock } from "../platform/clock.ts";
import type { Queue } from "../queue/port.ts";

const POLL_MS = 5;

async function isEmpty(queue: Pick<Queue, "stats">): Promise<boolean> {
  const { ready, leased, delayed } = await queue.stats();
  return ready + leased + delayed === 0;
}

/** Resolves once the queue is empty, or the signal aborts. */
export async function drained(
  queue: Pick<Queue, "stats">,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted && !(await isEmpty(queue))) await clock.sleep(POLL_MS, { signal });
}
