import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Block } from "../../../schema/batch/batch.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import type { Evidence } from "../../../schema/batch/evidence.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import { batchOf, factsOf, HOUR, heldBy, podOf, TEMP, UTIL } from "../../conformance/repository/bench.ts";
import { heldRows } from "../../support/schema/held-rows.ts";
import { holdersOf, inOrder, merged, named, readingsOf } from "../../support/schema/merged-rows.ts";

describe("BatchBuilder.take()", () => {
  test("names the holders of every reading, and is the same for every order of rows", () => {
    fc.assert(
      fc.property(
        heldRows.chain((given) =>
          fc.tuple(
            fc.constant(given),
            fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
          ),
        ),
        ([given, shuffled]) => {
          const batch = batchOf(given);
          expect(inOrder(holdersOf(batch))).toEqual(inOrder(named(given)));
          expect(inOrder(readingsOf(batch))).toEqual(inOrder(merged(given)));
          expect(batchOf(shuffled)).toEqual(batch);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("keeps a stale mark only where its series has no reading, with the holders of the rows that ended", () => {
    const held = factsOf(1, { holders: [podOf("a")] });
    const batch = batchOf([
      [UTIL, 0, 5, held],
      [UTIL, 1, Number.NaN, held],
      [TEMP, 0, 40],
      [TEMP, 0, Number.NaN, held],
    ]);
    expect([batch.readings, batch.marks, batch.blocks.map(({ marks }) => marks)]).toEqual([2, 1, [1]]);
    const [block] = batch.blocks as readonly Block[] as [Block];
    const columns = unpackColumns(block.packed);
    expect(columns.ok && columns.value.marks).toEqual([3]);
    const run = (tick: number, set: number) => ({ tick, set });
    expect(block.evidence).toEqual({ sets: [[podOf("a")]], tracks: [[run(0, 0)], [run(0, 1)]], ofColumn: [0, 1] });
  });

  test("forEachReading() gives each reading the holders that any series of its GPU names at that time", () => {
    const batch = batchOf([
      [UTIL, 0, 5, factsOf(1, { holders: [podOf("b")] })],
      [TEMP, 1, 40],
      [UTIL, 2, 5, factsOf(1, { holders: [podOf("a")] })],
      [UTIL, 0, 5, factsOf(2)],
    ]);
    const seen: HolderSet[] = [];
    forEachReading(batch, (_gpu, _series, _at, _value, _facts, holders) => seen.push(holders));
    expect(seen).toEqual([[podOf("b")], [podOf("b")], [podOf("a")], []]);
  });

  test("shares one constant evidence among the blocks of a holder", () => {
    const of = (pod: string) => factsOf(1, heldBy(pod));
    const { blocks } = batchOf([
      [UTIL, 0, 1, of("a")],
      [TEMP, 0, 1, of("a")],
      [UTIL, HOUR, 1, of("a")],
    ]);
    expect(blocks[0]?.evidence).toEqual({ sets: [[podOf("a")]], tracks: [[{ tick: 0, set: 1 }]], ofColumn: null });
    expect(blocks[1]?.evidence).toBe(blocks[0]?.evidence as Evidence);
  });
});
