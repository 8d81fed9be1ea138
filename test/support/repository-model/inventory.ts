/** The model's inventory, worked out from all sightings of each GPU. */
import type { Sighting } from "../../../schema/batch/batch.ts";
import type { Gpu, GpuInstance, Hold } from "../../../schema/model/gpu.ts";
import { holderSetOf } from "../../../schema/model/holder.ts";
import { afterSighting, instanceOrder, inventoryOrder, type KnownGpu } from "../../../services/repository/inventory.ts";
import type { GpuPage, GpuQuery } from "../../../services/repository/port.ts";
import { meets } from "./holds.ts";

const DAY = 86_400_000;

export interface TimedSighting {
  readonly sighting: Sighting;
  /** Times of its readings. */
  readonly times: readonly number[];
}

/** Cuts sightings to their readings up to the present. */
export const sightingsUntil = (sightings: readonly TimedSighting[], present: number): Sighting[] =>
  sightings.flatMap(({ sighting, times }) => {
    const until = times.filter((at) => at <= present);
    return until.length === 0 ? [] : [{ ...sighting, to: Math.max(...until) }];
  });

function instancesOf(sightings: readonly Sighting[], lastSeen: number, open: readonly Hold[]): GpuInstance[] {
  const byId = Map.groupBy(
    sightings.filter(({ facts }) => facts.instance !== null),
    ({ facts }) => facts.instance as string,
  );
  const instances = [...byId].flatMap(([id, ofInstance]): GpuInstance[] => {
    if (lastSeen - Math.max(...ofInstance.map(({ to }) => to)) >= DAY) return [];
    const [decisive] = ofInstance
      .filter(({ facts }) => facts.profile !== null)
      .sort((a, b) => b.to - a.to || ((a.facts.profile ?? "") > (b.facts.profile ?? "") ? -1 : 1));
    const holders = holderSetOf(open.filter(({ instance }) => instance === id).map(({ holder }) => holder));
    return [{ id, profile: decisive?.facts.profile ?? null, holders }];
  });
  return instances.sort((a, b) => instanceOrder(a.id, b.id));
}

/** @param sightings up to the present. Undefined without any */
export function gpuOf(sightings: readonly Sighting[], holds: readonly Hold[]): Gpu | undefined {
  let known: KnownGpu | undefined;
  for (const sighting of sightings) known = afterSighting(known, sighting);
  if (known === undefined) return undefined;
  const open = holds.filter(({ isOpen }) => isOpen);
  return {
    ...known,
    holders: holderSetOf(open.map(({ holder }) => holder)),
    instances: instancesOf(sightings, known.lastSeen, open),
  };
}

export function pageOfGpus(
  all: readonly { readonly gpu: Gpu; readonly holds: readonly Hold[] }[],
  { filter = {}, limit, after }: GpuQuery,
): GpuPage {
  const { hostname, model, seenSince } = filter;
  const matching = all
    .filter(({ holds }) => meets(holds, filter))
    .map(({ gpu }) => gpu)
    .filter((gpu) => hostname === undefined || gpu.host === hostname)
    .filter((gpu) => model === undefined || gpu.model === model)
    .filter((gpu) => seenSince === undefined || gpu.lastSeen >= seenSince)
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
