/** Runs a query for many GPUs, slice by slice, until the answers together exceed a limit. */
import { setImmediate } from "node:timers/promises";
import type { GpuUuid } from "../../schema/model/gpu.ts";

export interface ManyOptions {
  /** Number of GPUs in one call of `ask`. */
  readonly slice: number;
  /** How many items all answers together may have. */
  readonly max: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns one answer per GPU, in the order of `gpus`. The first answer that takes the total over `max`, and all after
 * it, are left out.
 */
export async function answersForMany<T>(
  gpus: readonly GpuUuid[],
  ask: (some: readonly GpuUuid[]) => Promise<readonly T[]>,
  sizeOf: (answer: T) => number,
  { slice, max, signal }: ManyOptions,
): Promise<ReadonlyMap<GpuUuid, T>> {
  const asked = [...new Set(gpus)];
  const answers = new Map<GpuUuid, T>();
  let left = max;
  for (let start = 0; start < asked.length; start += slice) {
    // Without this pause, a synchronous store would block the event loop until the last slice.
    if (start > 0) await setImmediate();
    signal?.throwIfAborted();
    const some = asked.slice(start, start + slice);
    const answered = await ask(some);
    for (const [index, gpu] of some.entries()) {
      const answer = answered[index] as T;
      left -= sizeOf(answer);
      if (left < 0) return answers;
      answers.set(gpu, answer);
    }
  }
  return answers;
}
