/** Reads the holds of one GPU. */
import type { GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { GpuRepository } from "../../../services/repository/port.ts";

export async function heldIn(
  repository: Pick<GpuRepository, "holds">,
  gpu: GpuUuid,
  window: Window,
  { signal }: { signal?: AbortSignal } = {},
): Promise<readonly Hold[]> {
  const held = await repository.holds([gpu], window, { max: 10_000, signal });
  return held.get(gpu) ?? [];
}

/** Returns the pod of a hold, or the id of its job. */
export const nameOf = ({ holder }: Hold): string | null => (holder.kind === "pod" ? holder.pod : holder.job);
