/** Random rows that name holders, with stale marks among them. */
import fc from "fast-check";
import { type Holder, type HolderSet, holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { factsOf, HOUR, podOf, type Row, UTIL } from "../../conformance/repository/bench.ts";

const HOLDERS: readonly Holder[] = [podOf("a"), podOf("b"), { kind: "job", job: "1200" }];

const holders: fc.Arbitrary<HolderSet> = fc.subarray([...HOLDERS]).map(holderSetOf);

/** Few GPUs, series, times and values, so that many rows meet in one cell. NaN: a stale mark. */
export const heldRows: fc.Arbitrary<Row[]> = fc.array(
  fc
    .tuple(
      fc.constantFrom<Series[]>(UTIL, "A" as Series, 'Z{GPU_I_ID="3"}' as Series),
      fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 2 * HOUR })),
      fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constant(Number.NaN)),
      fc.nat({ max: 1 }),
      holders,
    )
    .map(([series, at, value, gpu, named]): Row => [series, at, value, factsOf(gpu, { holders: named })]),
  { minLength: 1, maxLength: 40 },
);
