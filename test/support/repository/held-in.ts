/** Reads the attribution of one GPU. */
import type { Attribution, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { GpuRepository } from "../../../services/repository/port.ts";

export async function heldIn(
  repository: Pick<GpuRepository, "attributions">,
  gpu: GpuUuid,
  window: Window,
  { signal }: { signal?: AbortSignal } = {},
): Promise<readonly Attribution[]> {
  const held = await repository.attributions([gpu], window, { max: 10_000, signal });
  return held.get(gpu) ?? [];
}
