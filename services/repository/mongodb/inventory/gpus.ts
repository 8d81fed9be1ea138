/** Lists GPUs and hosts. */
import type { Filter } from "mongodb";
import type { Gpu, Host } from "../../../../schema/model/gpu.ts";
import { placeOf } from "../../inventory.ts";
import type { GpuCursor, GpuFilter, GpuRepository } from "../../port.ts";
import { type Link, reading } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import type { InventoryLedger } from "./gpu-ledger.ts";

/** Number of GPUs in one query by uuid. */
const CHUNK = 1000;
/** Documents per round trip. */
const FETCH = 1000;

function gpuOf({ _id: uuid, firstSeen, seen }: Pick<GpuDocument, "_id" | "firstSeen" | "seen">): Gpu {
  const { lastSeen, place, ...facts } = seen;
  return { uuid, ...facts, firstSeen: firstSeen.getTime(), lastSeen: lastSeen.getTime() };
}

const matching = ({ hostname, namespace, model }: GpuFilter): Filter<GpuDocument> => ({
  ...(hostname === undefined ? {} : { "seen.host": hostname }),
  ...(namespace === undefined ? {} : { "seen.namespace": namespace }),
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

export function createGpus(
  { call }: Link,
  { gpus }: Collections,
  { current }: InventoryLedger,
): Pick<GpuRepository, "gpus" | "gpusByUuid" | "hosts"> {
  const projection = { newest: 0 };
  return {
    gpus: ({ filter = {}, limit, after, signal }) =>
      call(
        async (callSignal) => {
          const matches = matching(filter);
          const rest = after === undefined ? matches : { $and: [matches, following(after)] };
          const [found, total] = await Promise.all([
            gpus
              .find(rest, {
                ...reading(callSignal),
                projection,
                sort: { "seen.host": 1, "seen.place": 1, _id: 1 },
                limit: limit + 1,
                batchSize: FETCH,
              })
              .toArray(),
            gpus.countDocuments(matches, reading(callSignal)),
          ]);
          const listed = found.slice(0, limit).map(gpuOf);
          const last = found.length > limit ? listed.at(-1) : undefined;
          return {
            gpus: listed.map(current),
            total,
            next: last ? { host: last.host, index: last.index, uuid: last.uuid } : null,
          };
        },
        { signal },
      ),

    async gpusByUuid(uuids, { signal } = {}) {
      const asked = [...new Set(uuids)];
      const known: Gpu[] = [];
      for (let start = 0; start < asked.length; start += CHUNK) {
        const some = asked.slice(start, start + CHUNK);
        // Servers without indexes find a single `_id` directly, but scan for `$in`.
        const filter = some.length === 1 ? { _id: some[0] } : { _id: { $in: some } };
        const found = await call(
          (callSignal) => gpus.find(filter as Filter<GpuDocument>, { ...reading(callSignal), projection }).toArray(),
          { signal },
        );
        for (const document of found) known.push(current(gpuOf(document)));
      }
      return known;
    },

    hosts: (options) =>
      call(async (callSignal) => {
        const hosts = new Map<string, Host>();
        await using cursor = gpus.find(
          {},
          { ...reading(callSignal), projection, sort: { "seen.host": 1, "seen.place": 1, _id: 1 }, batchSize: FETCH },
        );
        for await (const document of cursor) {
          const { host, lastSeen } = current(gpuOf(document));
          const { gpus: count, lastSeen: newest } = hosts.get(host) ?? { gpus: 0, lastSeen };
          hosts.set(host, { hostname: host, gpus: count + 1, lastSeen: Math.max(newest, lastSeen) });
        }
        return [...hosts.values()];
      }, options),
  };
}
