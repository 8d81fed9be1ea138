/** Random holders of one GPU over time, as an exporter reports them: every series at every tick, in order. */
import fc from "fast-check";
import { type Holder, type HolderSet, holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { ENGINE_3, ENGINE_7, factsOf, podOf, type Row, TEMP, UTIL } from "./bench.ts";

const HOLDERS: readonly Holder[] = [podOf("a"), podOf("b"), { kind: "job", job: "1200" }];
const SERIES: readonly Series[] = [UTIL, TEMP, ENGINE_3, ENGINE_7];
const TICKS = 30;

/** From a tick on, a series names other holders; -1: all series do. */
const change = fc.record({
  tick: fc.nat(TICKS - 1),
  series: fc.integer({ min: -1, max: SERIES.length - 1 }),
  holders: fc.subarray([...HOLDERS]).map(holderSetOf),
});

export interface HeldGrid {
  /** Rows of each batch, in order. */
  readonly batches: readonly (readonly Row[])[];
  /** Ticks before whose batches the process starts again. */
  readonly restarts: readonly number[];
}

export const heldGrid = (gpu: number, base: number): fc.Arbitrary<HeldGrid> =>
  fc
    .record({
      changes: fc.array(change, { maxLength: 6 }),
      /** Distances before ticks: mostly a minute, rarely a pause. */
      steps: fc.array(fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 1, 6, 20), { minLength: TICKS, maxLength: TICKS }),
      cuts: fc.subarray(Array.from({ length: TICKS - 1 }, (_, tick) => tick + 1)),
      isMissing: fc.array(
        fc.integer({ min: 0, max: 40 }).map((number) => number === 0),
        { minLength: TICKS * SERIES.length, maxLength: TICKS * SERIES.length },
      ),
      restarts: fc.subarray(
        Array.from({ length: TICKS }, (_, batch) => batch),
        { maxLength: 3 },
      ),
    })
    .map(({ changes, steps, cuts, isMissing, restarts }) => {
      const named: HolderSet[] = SERIES.map(() => []);
      const rows: Row[][] = [];
      let minute = 0;
      for (let tick = 0; tick < TICKS; tick++) {
        minute += steps[tick] ?? 1;
        for (const { series, holders } of changes.filter((one) => one.tick === tick)) {
          for (const index of SERIES.keys()) if (series === -1 || series === index) named[index] = holders;
        }
        rows.push(
          SERIES.flatMap((series, index): Row[] => {
            if (isMissing[tick * SERIES.length + index]) return [];
            const instance = /GPU_I_ID="(\d)"/.exec(series)?.[1] ?? null;
            return [[series, base + minute * 60_000, tick, factsOf(gpu, { holders: named[index] ?? [], instance })]];
          }),
        );
      }
      const batches = [0, ...cuts].map((from, index) => rows.slice(from, cuts[index]).flat());
      return { batches: batches.filter(({ length }) => length > 0), restarts };
    });
