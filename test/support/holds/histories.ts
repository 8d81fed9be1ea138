/** Random evidence of one GPU: drops, gaps, replicas, marks, overlapping holders. */
import fc from "fast-check";
import type { HolderSet } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { EvidenceCollector, type GpuEvidence, type Observation } from "../../../services/repository/holds/timeline.ts";
import { podOf } from "../../conformance/repository/bench.ts";

const MINUTE = 60_000;
const [A, B] = [podOf("a"), podOf("b")];

export function evidenceOf(observations: readonly Observation[]): GpuEvidence {
  const collector = new EvidenceCollector();
  for (const observation of observations) collector.add(observation);
  return collector.evidence();
}

const SERIES = ["UTIL", "TEMP", 'FB{vgpu="0"}', 'FB{vgpu="1"}', "FB", 'UTIL{GPU_I_ID="7"}'] as Series[];
/** Times that give usual intervals, missed scrapes, and silences. */
const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constant(MINUTE) },
  { weight: 2, arbitrary: fc.integer({ min: 2, max: 9 }).map((minutes) => minutes * MINUTE) },
  { weight: 1, arbitrary: fc.constant(40 * MINUTE) },
);
const holders: fc.Arbitrary<HolderSet> = fc.constantFrom<HolderSet>([], [A], [A], [B], [A, B]);
const row = fc.record({
  series: fc.constantFrom(...SERIES),
  holders,
  isMark: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

/** Up to 60 times with up to 4 rows each. */
export const histories: fc.Arbitrary<Observation[]> = fc
  .array(fc.tuple(gap, fc.array(row, { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 60 })
  .map((ticks) => {
    let at = 0;
    return ticks.flatMap(([pause, rows]) => {
      at += pause;
      return rows.map((one) => ({ ...one, at }));
    });
  });

const pace = fc.constantFrom(1, 2, 3, 4, 5, 6).map((minutes) => minutes * MINUTE);
const stretch = fc.tuple(pace, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 4, max: 19 }), holders, holders);

/** Ticks of two series, in stretches of steady pace with pauses between them. */
export const pacedHistories: fc.Arbitrary<Observation[][]> = fc
  .array(stretch, { minLength: 4, maxLength: 8 })
  .map((stretches) => {
    let at = 0;
    return stretches.flatMap(([interval, count, pause, one, other]) => {
      at += pause * MINUTE;
      return Array.from({ length: count }, (_, tick): Observation[] => {
        at += interval;
        const naming = (series: string, named: HolderSet) => {
          return { series: series as Series, at, holders: named, isMark: false };
        };
        return [naming("UTIL", one), ...(tick % 3 === 0 ? [naming("TEMP", other)] : [])];
      });
    });
  });
