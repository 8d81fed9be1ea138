/** Reads placements and hosts from stays. */
import type { GpuUuid, Host, Placement } from "../../../../schema/model/gpu.ts";
import { PLACEMENTS_MAX, placementOrder, placementsOf, type Stay, type TickFinder } from "../../placements.ts";
import type { GpuRepository } from "../../port.ts";
import { type CallOptions, type Link, reading } from "../connection/link.ts";
import type { Collections, StayDocument } from "../documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { abreast } from "./abreast.ts";
import { isLost } from "./lost-gpus.ts";
import type { LastTimes, Pulses } from "./pulses.ts";
import { stayOf } from "./stays.ts";

/** Documents per round trip. */
const FETCH = 1000;
const NO_TICKS: TickFinder = { before: () => undefined, after: () => undefined };

/** A stay with its GPU, and whether the GPU has no later one. */
interface OwnStay extends Stay {
  readonly gpu: GpuUuid;
  readonly isNewest: boolean;
}

/** The stays of some GPUs, complete for each of them. */
class StayList {
  readonly all: readonly OwnStay[];

  /** @param documents by GPU and `from` */
  constructor(documents: readonly StayDocument[], { seen }: LastTimes) {
    this.all = documents.map((document, index) => {
      const { gpu } = document;
      const stay = stayOf(document);
      const isNewest = documents[index + 1]?.gpu !== gpu;
      return { ...stay, gpu, isNewest, to: isNewest ? Math.max(stay.to, seen.get(gpu) ?? stay.to) : stay.to };
    });
  }

  /** Returns the first times of newcomers in the slot of each stay: GPUs that had not reported from its host before. */
  arrivals(): (stay: OwnStay) => readonly number[] {
    const bySlot = new Map<string, OwnStay[]>();
    const known = new Set<string>();
    for (const stay of this.all) {
      const home = `${stay.gpu} ${stay.host}`;
      if (known.has(home)) continue;
      known.add(home);
      const slot = `${stay.index} ${stay.host}`;
      bySlot.set(slot, [...(bySlot.get(slot) ?? []), stay]);
    }
    return ({ gpu, host, index, from }) =>
      (bySlot.get(`${index} ${host}`) ?? [])
        .filter((other) => other.gpu !== gpu && other.from > from)
        .map((other) => other.from)
        .sort((a, b) => a - b);
  }
}

export interface PlacementsParts {
  readonly buckets: Buckets;
  readonly pulses: Pulses;
  /** Returns the last time that counts as now. */
  readonly lastPresent: () => number;
}

export function createPlacements(
  link: Link,
  { stays: collection }: Pick<Collections, "stays">,
  { buckets, pulses, lastPresent }: PlacementsParts,
): Pick<GpuRepository, "placements" | "hosts"> {
  const { call } = link;
  const staysOf = (filter: object, times: LastTimes, options: CallOptions): Promise<StayList> =>
    call(async (signal) => {
      const sort = { gpu: 1, from: 1 } as const;
      return new StayList(
        await collection.find(filter, { ...reading(signal), sort, batchSize: FETCH }).toArray(),
        times,
      );
    }, options);

  /** Finds the readings next to the arrivals of newcomers during a stay. */
  const ticksOf = async (stay: OwnStay, arrivals: readonly number[], options: CallOptions): Promise<TickFinder> => {
    const during = arrivals.filter((arrival) => arrival <= stay.to);
    if (during.length === 0) return NO_TICKS;
    const before = new Map<number, number | undefined>();
    const after = new Map<number, number | undefined>();
    await call(async (signal) => {
      for (const arrival of during) {
        before.set(arrival, await buckets.tickBefore(stay.gpu, arrival, stay.from, signal));
        after.set(arrival - 1, await buckets.tickAfter(stay.gpu, arrival - 1, stay.to, signal));
      }
    }, options);
    const within = (tick: number | undefined, isWithin: (tick: number) => boolean) =>
      tick !== undefined && isWithin(tick) ? tick : undefined;
    return {
      before: (time, earliest) => within(before.get(time), (tick) => tick >= earliest),
      after: (time, latest) => within(after.get(time), (tick) => tick <= latest),
    };
  };

  return {
    async placements(of, window, { signal } = {}) {
      const times = await pulses.lastTimes({ signal });
      const isAsked = (stay: OwnStay) => ("gpu" in of ? stay.gpu === of.gpu : stay.host === of.host);
      const near = await staysOf("gpu" in of ? { gpu: of.gpu } : { host: of.host }, times, { signal });
      const hosts = [...new Set(near.all.map(({ host }) => host))];
      const inHosts = await staysOf({ host: { $in: hosts } }, times, { signal });
      const gpus = [...new Set(inHosts.all.map(({ gpu }) => gpu))];
      // All stays of these GPUs: a newcomer is new to its host, and a stay is the newest or not.
      const list = await staysOf({ gpu: { $in: gpus } }, times, { signal });
      const arrivalsOf = list.arrivals();
      const asked = list.all.filter((stay) => isAsked(stay) && stay.from < window.to && stay.to >= window.from);
      const found = await abreast(link, asked, async (stay) => {
        const arrivals = arrivalsOf(stay);
        const ticks = await ticksOf(stay, arrivals, { signal });
        const { isNewest, gpu } = stay;
        return placementsOf(stay, arrivals, { isNewest, ticks }).map(
          ({ host, index, from, to, isCurrent }): Placement => ({ gpu, host, index, from, to, isCurrent }),
        );
      });
      return found
        .flat()
        .filter(({ from, to }) => from < window.to && to >= window.from)
        .sort(placementOrder)
        .slice(0, PLACEMENTS_MAX);
    },

    async hosts({ signal } = {}) {
      const times = await pulses.lastTimes({ signal });
      const list = await staysOf({}, times, { signal });
      const arrivalsOf = list.arrivals();
      const reported = new Map<string, number>();
      for (const { host, to } of list.all) reported.set(host, Math.max(reported.get(host) ?? to, to));
      const current = list.all.filter(
        (stay) => stay.isNewest && !arrivalsOf(stay).some((arrival) => arrival > stay.to),
      );
      const until = lastPresent();
      const silences = current.map(({ gpu, host, to }) => ({
        gpu,
        last: to,
        present: reported.get(host) as number,
        until,
      }));
      const answers = await abreast(link, silences, (silence) => isLost(link, buckets, silence, { signal }));
      const lost = new Set(current.filter((_, index) => answers[index]));
      return [...Map.groupBy(current, ({ host }) => host)]
        .map(
          ([hostname, stays]): Host => ({
            hostname,
            gpus: stays.length,
            lost: stays.filter((stay) => lost.has(stay)).length,
            lastSeen: Math.max(...stays.map(({ to }) => to)),
          }),
        )
        .sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
    },
  };
}
