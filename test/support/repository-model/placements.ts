/** Placements of the model: the slot at each time of a reading, and what follows from it. */
import type { Sighting } from "../../../schema/batch/batch.ts";
import type { GpuUuid, Host, Placement } from "../../../schema/model/gpu.ts";
import { placementOrder, usualIntervalMs } from "../../../services/repository/placements.ts";

interface Slot {
  readonly host: string;
  readonly index: string;
}

/** The slot at each time of a reading, ms. */
export type SlotAt = Map<number, Slot>;

/** The sighting saved last decides about its times. @param times of its readings */
export function noteSlot(slotAt: SlotAt, { facts: { host, index } }: Sighting, times: Iterable<number>): void {
  if (host === "") return;
  for (const at of times) slotAt.set(at, { host, index });
}

type Fleet = ReadonlyMap<GpuUuid, SlotAt>;

const timesIn = (slotAt: SlotAt): [number, Slot][] => [...slotAt].sort(([a], [b]) => a - b);

/** Times at which a GPU that has never reported from the host before reports in the slot. */
function arrivalsIn(fleet: Fleet, { host, index }: Slot, except: GpuUuid): number[] {
  return [...fleet].flatMap(([gpu, slotAt]) => {
    const first = timesIn(slotAt).find(([, slot]) => slot.host === host);
    return gpu !== except && first?.[1].index === index ? [first[0]] : [];
  });
}

/** @param fleet all GPUs, up to the present */
export function placementsIn(fleet: Fleet): Placement[] {
  const placements: Placement[] = [];
  for (const [gpu, slotAt] of fleet) {
    const own: Placement[] = [];
    for (const [at, slot] of timesIn(slotAt)) {
      const last = own.at(-1);
      const isSame = last?.host === slot.host && last.index === slot.index;
      const stay = own.findLast((one, place) => {
        const before = own[place - 1];
        return before === undefined || before.host !== one.host || before.index !== one.index;
      });
      const arrived = arrivalsIn(fleet, slot, gpu).some((time) => {
        return isSame && time > last.to && time <= at && time > (stay as Placement).from;
      });
      if (isSame && !arrived) own[own.length - 1] = { ...last, to: at };
      else own.push({ gpu, ...slot, from: at, to: at, isCurrent: false });
    }
    const newest = own.at(-1);
    if (newest !== undefined) {
      const isTaken = arrivalsIn(fleet, newest, gpu).some((time) => time > newest.to);
      own[own.length - 1] = { ...newest, isCurrent: !isTaken };
    }
    placements.push(...own);
  }
  return placements.sort(placementOrder);
}

/** In order of hostname. */
export function hostsIn(fleet: Fleet): Host[] {
  const placements = placementsIn(fleet);
  const current = placements.filter(({ isCurrent }) => isCurrent);
  return [...new Set(current.map(({ host }) => host))].sort().map((hostname) => {
    const here = current.filter(({ host }) => host === hostname);
    const reported = Math.max(...placements.filter(({ host }) => host === hostname).map(({ to }) => to));
    const lost = here.filter(({ gpu, to }) => {
      const times = timesIn(fleet.get(gpu) as SlotAt).map(([at]) => at);
      return reported - to > 5 * usualIntervalMs(times);
    });
    return { hostname, gpus: here.length, lost: lost.length, lastSeen: Math.max(...here.map(({ to }) => to)) };
  });
}
