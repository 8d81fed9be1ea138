/** Reads holds: those of GPUs, the open ones, and the GPUs that a pod or job holds. */
import type { Filter } from "mongodb";
import type { GpuUuid, Hold } from "../../../../schema/model/gpu.ts";
import { type Holder, type HolderSet, holderSetOf } from "../../../../schema/model/holder.ts";
import type { Window } from "../../../../schema/model/window.ts";
import { HOLDS_MAX, holdOrder } from "../../holds.ts";
import { answersForMany } from "../../many.ts";
import type { GpuFilter, GpuRepository } from "../../port.ts";
import { type CallOptions, type Link, reading } from "../connection/link.ts";
import type { Collections, HoldDocument } from "../documents.ts";
import { dateOf } from "../readings/bucket-documents.ts";
import { holdOf } from "./hold-documents.ts";
import type { LastTimes, Pulses } from "./pulses.ts";

/** Documents per round trip. */
const FETCH = 1000;
/** Number of GPUs in one query. */
const SLICE = 500;

export interface OpenHolders {
  /** Holders with an open hold of the GPU or of one of its instances; with `instance`, of that one alone. */
  of(gpu: GpuUuid, instance?: string): HolderSet;
}

export type HolderNames = Pick<GpuFilter, "namespace" | "pod" | "job">;

export interface Held extends Pick<GpuRepository, "holds"> {
  openHolders(gpus: readonly GpuUuid[], times: LastTimes, options: CallOptions): Promise<OpenHolders>;
  gpusHeldBy(filter: GpuFilter, times: LastTimes, options: CallOptions): Promise<GpuUuid[]>;
}

export const ofHolder = ({ namespace, pod, job }: HolderNames): Filter<HoldDocument> => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(pod === undefined ? {} : { pod }),
  ...(job === undefined ? {} : { job }),
});

/** Matches holds that overlap the window, and those that have not ended: the pulses say how long these last. */
export const reaching = ({ from, to }: Window): Filter<HoldDocument> => ({
  from: { $lt: dateOf(to) },
  $or: [{ ended: null }, { to: { $gte: dateOf(from) } }],
});

export const overlaps = ({ from, to }: Hold, window: Window): boolean => from < window.to && to >= window.from;

export function createHeld({ call }: Link, { holds }: Pick<Collections, "holds">, pulses: Pulses): Held {
  const find = (filter: Filter<HoldDocument>, options: CallOptions): Promise<HoldDocument[]> =>
    call((signal) => holds.find(filter, { ...reading(signal), batchSize: FETCH }).toArray(), options);

  return {
    async openHolders(gpus, times, options) {
      const named = new Map<string, Holder[]>();
      const add = (key: string, holder: Holder) => named.set(key, [...(named.get(key) ?? []), holder]);
      for (let start = 0; start < gpus.length; start += FETCH) {
        const some = gpus.slice(start, start + FETCH);
        for (const document of await find({ gpu: { $in: some as GpuUuid[] }, ended: null }, options)) {
          const { gpu, instance, holder, isOpen } = holdOf(document, times);
          if (!isOpen) continue;
          add(gpu, holder);
          if (instance !== null) add(`${gpu} ${instance}`, holder);
        }
      }
      return {
        of: (gpu, instance) => holderSetOf(named.get(instance === undefined ? gpu : `${gpu} ${instance}`) ?? []),
      };
    },

    async gpusHeldBy({ window, ...names }, times, options) {
      const when = window === undefined ? { ended: null } : reaching(window);
      const gpus = new Set<GpuUuid>();
      for (const document of await find({ ...ofHolder(names), ...when }, options)) {
        const hold = holdOf(document, times);
        if (window === undefined ? hold.isOpen : overlaps(hold, window)) gpus.add(hold.gpu);
      }
      return [...gpus];
    },

    async holds(gpus, window, { max, signal }) {
      const times = await pulses.lastTimes({ signal });
      const ask = async (some: readonly GpuUuid[]): Promise<(readonly Hold[])[]> => {
        const found = await find({ gpu: { $in: some as GpuUuid[] }, ...reaching(window) }, { signal });
        const ofGpu = Map.groupBy(
          found.map((document) => holdOf(document, times)).filter((hold) => overlaps(hold, window)),
          ({ gpu }) => gpu,
        );
        return some.map((gpu) => (ofGpu.get(gpu) ?? []).sort(holdOrder).slice(0, HOLDS_MAX));
      };
      return answersForMany(gpus, ask, ({ length }) => length, { slice: SLICE, max, signal });
    },
  };
}
