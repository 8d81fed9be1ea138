/** Waits until everything published has been stored. */
import { isAppError } from "../../schema/model/errors.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Queue } from "../queue/port.ts";

const POLL = { firstMs: 5, mostMs: 20 };

async function isEmpty(queue: Pick<Queue, "stats">): Promise<boolean> {
  try {
    const { ready, leased, delayed } = await queue.stats();
    return ready + leased + delayed === 0;
  } catch (error) {
    if (isAppError(error, "unavailable")) return false;
    throw error;
  }
}

/** Resolves once the queue is empty or the signal aborts. An unavailable queue does not count as empty. */
export async function drained(
  queue: Pick<Queue, "stats">,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  for (let pauseMs = POLL.firstMs; !signal.aborted && !(await isEmpty(queue)); ) {
    await clock.sleep(pauseMs, { signal });
    pauseMs = Math.min(POLL.mostMs, pauseMs * 1.2);
  }
}
