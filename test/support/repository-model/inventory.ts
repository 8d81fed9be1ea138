/** What the memory store knows of GPUs, listed. */
import type { Attribution, Gpu, GpuUuid, Host } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import { ATTRIBUTIONS_MAX, type Held, isNobody } from "../../../services/repository/holders.ts";
import { inventoryOrder } from "../../../services/repository/inventory.ts";
import { answersForMany } from "../../../services/repository/many.ts";
import type { GpuRepository } from "../../../services/repository/port.ts";

export interface ListedGpu {
  /** Set by the end of the call that stores its first bucket. */
  gpu: Gpu | undefined;
  /** Oldest first. */
  held: readonly Held[];
}

export function modelInventory(stored: ReadonlyMap<GpuUuid, ListedGpu>): GpuRepository {
  const known = (): Gpu[] => [...stored.values()].flatMap(({ gpu }) => gpu ?? []);
  const attributionsOf = (gpu: GpuUuid, window: Window): Attribution[] =>
    (stored.get(gpu)?.held ?? [])
      .filter(({ holder, from, to }) => !isNobody(holder) && from < window.to && to >= window.from)
      .slice(0, ATTRIBUTIONS_MAX)
      .map(({ holder, from, to }) => ({ gpu, ...holder, from, to }));
  return {
    async gpus({ filter = {}, limit, after }) {
      const matching = known()
        .filter(
          ({ host, namespace, model }) =>
            (filter.hostname === undefined || host === filter.hostname) &&
            (filter.namespace === undefined || namespace === filter.namespace) &&
            (filter.model === undefined || model === filter.model),
        )
        .sort(inventoryOrder);
      const rest = after === undefined ? matching : matching.filter((gpu) => inventoryOrder(gpu, after) > 0);
      const gpus = rest.slice(0, limit);
      const last = rest.length > limit ? gpus.at(-1) : undefined;
      return {
        gpus,
        total: matching.length,
        next: last ? { host: last.host, index: last.index, uuid: last.uuid } : null,
      };
    },

    gpusByUuid: async (uuids) => [...new Set(uuids)].flatMap((uuid) => stored.get(uuid)?.gpu ?? []),

    async hosts() {
      const hosts = new Map<string, Host>();
      for (const { host, lastSeen } of known()) {
        const { gpus, lastSeen: newest } = hosts.get(host) ?? { gpus: 0, lastSeen };
        hosts.set(host, { hostname: host, gpus: gpus + 1, lastSeen: Math.max(newest, lastSeen) });
      }
      return [...hosts.values()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
    },

    attributions: (uuids, window, { max, signal }) =>
      answersForMany(
        uuids,
        async ([gpu]) => [attributionsOf(gpu as GpuUuid, window)],
        ({ length }) => length,
        { slice: 1, max, signal },
      ),
  };
}
