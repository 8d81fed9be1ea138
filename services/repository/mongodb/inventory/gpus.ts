/** Lists GPUs with their instances and holders. */
import type { Filter } from "mongodb";
import type { Gpu, GpuUuid } from "../../../../schema/model/gpu.ts";
import { INSTANCE_GONE_MS, instanceOrder, type KnownInstance, placeOf } from "../../inventory.ts";
import type { GpuCursor, GpuFilter, GpuRepository } from "../../port.ts";
import { type CallOptions, type Link, reading } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import type { Held, OpenHolders } from "../holds/held.ts";
import type { LastTimes, Pulses } from "../holds/pulses.ts";
import { seriesOfField } from "../readings/field-names.ts";
import { gpuOf, instanceOf, laterInstance, withKnown } from "./gpu-documents.ts";
import type { InventoryLedger } from "./gpu-ledger.ts";

/** Number of GPUs in one query by uuid. */
const CHUNK = 1000;
/** Documents per round trip. */
const FETCH = 1000;

const matching = ({ hostname, model }: GpuFilter): Filter<GpuDocument> => ({
  ...(hostname === undefined ? {} : { "seen.host": hostname }),
  ...(model === undefined ? {} : { "seen.model": model }),
});

/** Matches GPUs after the cursor in the order of host, place, uuid. */
function following({ host, index, uuid }: GpuCursor): Filter<GpuDocument> {
  const place = placeOf(index);
  return {
    $or: [
      { "seen.host": { $gt: host } },
      { "seen.host": host, "seen.place": { $gt: place } },
      { "seen.host": host, "seen.place": place, _id: { $gt: uuid } },
    ],
  };
}

/** Servers without indexes find a single `_id` directly, but scan for `$in`. */
const among = (gpus: readonly GpuUuid[]): Filter<GpuDocument> =>
  (gpus.length === 1 ? { _id: gpus[0] } : { _id: { $in: gpus } }) as Filter<GpuDocument>;

export interface GpusParts {
  readonly inventory: InventoryLedger;
  readonly pulses: Pulses;
  readonly held: Held;
}

export function createGpus(
  { call }: Link,
  { gpus }: Pick<Collections, "gpus">,
  { inventory, pulses, held }: GpusParts,
): Pick<GpuRepository, "gpus" | "gpusByUuid"> {
  const projection = { newest: 0 };

  const instancesOf = ({ _id, instances = {} }: GpuDocument, lastSeen: number): [string, KnownInstance][] => {
    const all = new Map<string, KnownInstance>(inventory.known(_id)?.instances);
    for (const [field, document] of Object.entries(instances)) {
      const id: string = seriesOfField(field);
      all.set(id, laterInstance(instanceOf(document), all.get(id)));
    }
    return [...all]
      .filter(([, instance]) => lastSeen - instance.lastSeen < INSTANCE_GONE_MS)
      .sort(([a], [b]) => instanceOrder(a, b));
  };

  const current = (document: GpuDocument, times: LastTimes, holders: OpenHolders): Gpu => {
    const known = inventory.known(document._id)?.gpu;
    const gpu = withKnown(gpuOf(document), known, times.seen.get(document._id));
    const { uuid, lastSeen } = gpu;
    return {
      ...gpu,
      holders: holders.of(uuid),
      instances: instancesOf(document, lastSeen).map(([id, { profile }]) => ({
        id,
        profile,
        holders: holders.of(uuid, id),
      })),
    };
  };

  const complete = async (
    documents: readonly GpuDocument[],
    times: LastTimes,
    options: CallOptions,
  ): Promise<Gpu[]> => {
    const holders = await held.openHolders(
      documents.map(({ _id }) => _id),
      times,
      options,
    );
    return documents.map((document) => current(document, times, holders));
  };

  /** Returns the condition for GPUs that were held as the filter says, or have been seen since its time. */
  const chosen = async (filter: GpuFilter, times: LastTimes, options: CallOptions): Promise<Filter<GpuDocument>[]> => {
    const { namespace, pod, job, seenSince } = filter;
    const conditions: Filter<GpuDocument>[] = [matching(filter)];
    if (namespace !== undefined || pod !== undefined || job !== undefined) {
      conditions.push(among(await held.gpusHeldBy(filter, times, options)));
    }
    if (seenSince !== undefined) {
      const recent = [...times.seen].filter(([, at]) => at >= seenSince).map(([gpu]) => gpu);
      conditions.push({ $or: [{ "seen.lastSeen": { $gte: new Date(seenSince) } }, { _id: { $in: recent } }] });
    }
    return conditions;
  };

  return {
    async gpus({ filter = {}, limit, after, signal }) {
      const times = await pulses.lastTimes({ signal });
      const conditions = await chosen(filter, times, { signal });
      const matches: Filter<GpuDocument> = { $and: conditions };
      const rest: Filter<GpuDocument> = after === undefined ? matches : { $and: [...conditions, following(after)] };
      const { found, total } = await call(
        async (callSignal) => {
          const order = { "seen.host": 1, "seen.place": 1, _id: 1 } as const;
          const [listed, counted] = await Promise.all([
            gpus
              .find(rest, { ...reading(callSignal), projection, sort: order, limit: limit + 1, batchSize: FETCH })
              .toArray(),
            gpus.countDocuments(matches, reading(callSignal)),
          ]);
          return { found: listed, total: counted };
        },
        { signal },
      );
      const listed = await complete(found.slice(0, limit), times, { signal });
      const last = found.length > limit ? found[limit - 1]?.seen : undefined;
      const uuid = found[limit - 1]?._id as GpuUuid;
      return { gpus: listed, total, next: last ? { host: last.host, index: last.index, uuid } : null };
    },

    async gpusByUuid(uuids, { signal } = {}) {
      const asked = [...new Set(uuids)];
      if (asked.length === 0) return [];
      const times = await pulses.lastTimes({ signal });
      const known: Gpu[] = [];
      for (let start = 0; start < asked.length; start += CHUNK) {
        const filter = among(asked.slice(start, start + CHUNK));
        const found = await call((callSignal) => gpus.find(filter, { ...reading(callSignal), projection }).toArray(), {
          signal,
        });
        known.push(...(await complete(found, times, { signal })));
      }
      return known;
    },
  };
}
