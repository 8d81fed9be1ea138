/** Waits until a queue is drained: no batch is ready, leased or delayed. */
import type { Queue, QueueStats } from "../../../services/queue/port.ts";
import { eventually } from "../time/eventually.ts";

export const isDrained = ({ ready, leased, delayed }: Pick<QueueStats, "ready" | "leased" | "delayed">): boolean =>
  ready + leased + delayed === 0;

/**
 * Resolves to the figures of the drained queue. Ignores failed calls, because a test may make the queue unavailable.
 * @throws Error with the last figures when the deadline passes first
 */
export async function drained(
  queue: Pick<Queue, "stats">,
  options: { readonly deadlineMs?: number } = {},
): Promise<QueueStats> {
  let last: QueueStats | undefined;
  const check = async () => {
    last = await queue.stats().catch(() => undefined);
    return last !== undefined && isDrained(last);
  };
  await eventually(check, { what: "a drained queue", ...options }).catch((error: Error) => {
    throw new Error(`${error.message}; ${JSON.stringify(last)}`, { cause: error });
  });
  return last as QueueStats;
}
