/** Answers for many GPUs, slice by slice, until the answers exceed their common limit. */
import { setImmediate } from "node:timers/promises";
import type { GpuUuid } from "../../schema/model/gpu.ts";

export interface ManyOptions {
  /** GPUs in one call of `ask`. */
  readonly slice: number;
  /** Items in all answers together, at most. */
  readonly max: number;
  readonly signal?: AbortSignal | undefined;
}

/** Returns answers in the order of `gpus`, each GPU once, up to the first answer that exceeds `max`. */
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
    // A synchronous store would block the event loop for all slices.
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
