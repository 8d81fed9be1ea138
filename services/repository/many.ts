/** Answers for many GPUs in one call, some at a time, for as long as there is room for them. */
import { setImmediate } from "node:timers/promises";
import type { GpuUuid } from "../../schema/model/gpu.ts";

export interface ManyOptions {
  /** GPUs asked for together. */
  readonly slice: number;
  /** Items in all answers together. */
  readonly max: number;
  readonly signal?: AbortSignal | undefined;
}

/** Those that fit, in the order asked: after the first one that does not, none is asked for. */
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
    // A store that never waits would let nobody else have their turn.
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
