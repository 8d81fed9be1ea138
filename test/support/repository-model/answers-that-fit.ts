/** Answers about many GPUs in the order asked, each GPU once, up to the first that would exceed `max` items in all. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";

export function answersThatFit<T>(
  gpus: readonly GpuUuid[],
  max: number,
  answerOf: (gpu: GpuUuid) => T,
  sizeOf: (answer: T) => number,
): ReadonlyMap<GpuUuid, T> {
  const answers = new Map<GpuUuid, T>();
  let size = 0;
  for (const gpu of new Set(gpus)) {
    const answer = answerOf(gpu);
    size += sizeOf(answer);
    if (size > max) break;
    answers.set(gpu, answer);
  }
  return answers;
}
