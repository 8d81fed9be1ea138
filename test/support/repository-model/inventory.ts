/** The model's inventory, listed. */
import type { Gpu, Host } from "../../../schema/model/gpu.ts";
import { inventoryOrder } from "../../../services/repository/inventory.ts";
import type { GpuPage, GpuQuery } from "../../../services/repository/port.ts";

export function pageOfGpus(all: readonly Gpu[], { filter = {}, limit, after }: GpuQuery): GpuPage {
  const { hostname, namespace, model } = filter;
  const matching = all
    .filter((gpu) => hostname === undefined || gpu.host === hostname)
    .filter((gpu) => namespace === undefined || gpu.namespace === namespace)
    .filter((gpu) => model === undefined || gpu.model === model)
    .sort(inventoryOrder);
  const rest = matching.filter((gpu) => after === undefined || inventoryOrder(gpu, after) > 0);
  const gpus = rest.slice(0, limit);
  const last = gpus.at(-1);
  return {
    gpus,
    total: matching.length,
    next: last && rest.length > limit ? { host: last.host, index: last.index, uuid: last.uuid } : null,
  };
}

/** In order of hostname. */
export function hostsOf(gpus: readonly Gpu[]): readonly Host[] {
  const names = [...new Set(gpus.map(({ host }) => host))].sort();
  return names.map((hostname) => {
    const onHost = gpus.filter(({ host }) => host === hostname);
    return { hostname, gpus: onHost.length, lastSeen: Math.max(...onHost.map(({ lastSeen }) => lastSeen)) };
  });
}
