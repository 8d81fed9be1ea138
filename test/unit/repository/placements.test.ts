import { expect, test } from "bun:test";
import fc from "fast-check";
import type { GpuUuid, Placement } from "../../../schema/model/gpu.ts";
import {
  addSighting,
  placementOrder,
  placementsOf,
  type Slot,
  type Stay,
  type TickFinder,
} from "../../../services/repository/placements.ts";
import { uuidOf } from "../../conformance/repository/bench.ts";
import { placementsIn, type SlotAt } from "../../support/repository-model/placements.ts";

const slot = fc.record({ host: fc.constantFrom("a", "b"), index: fc.constantFrom("0", "1") });
/** The slots of three GPUs at some of the times 0 to 11, and the order in which they become known. */
const fleet = fc
  .array(fc.array(fc.tuple(fc.nat(11), slot), { minLength: 1, maxLength: 10 }), { minLength: 3, maxLength: 3 })
  .map((gpus) => gpus.map((ticks): [number, Slot][] => [...new Map(ticks)]))
  .chain((gpus) =>
    fc.tuple(
      fc.constant(gpus),
      fc.tuple(...gpus.map((ticks) => fc.shuffledSubarray(ticks, { minLength: ticks.length }))),
    ),
  );

const ticksOf = (times: readonly number[]): TickFinder => ({
  before: (time, earliest) => times.findLast((at) => at >= earliest && at < time),
  after: (time, latest) => times.find((at) => at > time && at <= latest),
});

/** Times at which GPUs that had not reported from the host before report in the slot. */
function arrivalsIn(stays: readonly (readonly Stay[])[], { host, index, from }: Stay, except: number): number[] {
  return stays
    .flatMap((ofGpu, gpu) => {
      const first = ofGpu.find((stay) => stay.host === host);
      return gpu !== except && first?.index === index && first.from > from ? [first.from] : [];
    })
    .sort((a, b) => a - b);
}

test("placements follow from the slots at the times of readings, in whatever order they become known", () => {
  fc.assert(
    fc.property(fleet, ([gpus, orders]) => {
      const times = gpus.map((ticks) => ticks.map(([at]) => at).sort((a, b) => a - b));
      const stays = orders.map((order) => {
        const known: number[] = [];
        return order.reduce<Stay[]>((all, [at, place]) => {
          known.push(at);
          known.sort((a, b) => a - b);
          return addSighting(all, { ...place, from: at, to: at }, ticksOf(known));
        }, []);
      });
      const placements = stays.flatMap((ofGpu, gpu) =>
        ofGpu.flatMap((stay, place) => {
          const isNewest = place === ofGpu.length - 1;
          const placed = placementsOf(stay, arrivalsIn(stays, stay, gpu), {
            isNewest,
            ticks: ticksOf(times[gpu] as number[]),
          });
          return placed.map((one): Placement => ({ gpu: uuidOf(gpu), ...one }));
        }),
      );
      const slots = new Map<GpuUuid, SlotAt>(gpus.map((ticks, gpu) => [uuidOf(gpu), new Map(ticks)]));
      expect(placements.sort(placementOrder)).toEqual(placementsIn(slots));
    }),
    { numRuns: 500 },
  );
});
