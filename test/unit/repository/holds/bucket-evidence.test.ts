import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch, Block } from "../../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../../schema/batch/block-evidence.ts";
import { unpackColumns } from "../../../../schema/batch/columns.ts";
import { type HolderSet, NOBODY } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { Bucket } from "../../../../services/repository/bucket.ts";
import { evidenceOf } from "../../../../services/repository/holds/bucket-evidence.ts";
import { derive } from "../../../../services/repository/holds/derive.ts";
import { batchOf, factsOf, podOf, type Row } from "../../../conformance/repository/bench.ts";
import { holdTexts, oracleHolds } from "../../../support/holds/oracle.ts";
import { observationsOf } from "../../../support/repository-model/holds.ts";

const MINUTE = 60_000;
const [A, B] = [podOf("a"), podOf("b")];
const SERIES = ["UTIL", "TEMP", "FB", 'FB{vgpu="0"}', 'FB{vgpu="1"}', 'UTIL{GPU_I_ID="7"}'] as Series[];

function bucketOf(batch: Batch, block: Block): Bucket {
  const columns = unpackColumns(block.packed);
  if (!columns.ok) throw new Error(columns.error);
  const evidence = new BlockEvidence(batch).of(block, () => columns.value.at);
  return {
    ...{ from: block.from, to: block.to, unpack: () => columns.value, evidence: () => evidence },
    series: block.series.map((column) => batch.series[column] as Series),
  };
}

/** A tick in which the series mostly name the same holders. */
const tick = fc.record({
  pause: fc.constantFrom(1, 1, 1, 2, 7).map((minutes) => minutes * MINUTE),
  series: fc.subarray(SERIES, { minLength: 1 }),
  holders: fc.constantFrom<HolderSet>([A], [A], [A, B], [B], NOBODY),
  other: fc.option(fc.record({ series: fc.constantFrom(...SERIES), holders: fc.constantFrom<HolderSet>([A], [B]) })),
  marked: fc.option(fc.constantFrom(...SERIES), { freq: 8 }),
});

test("evidenceOf() keeps all that the rows of the buckets say about holds", () => {
  fc.assert(
    fc.property(fc.array(tick, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (ticks, size) => {
      let at = 0;
      const rows = ticks.map(({ pause, series, holders, other, marked }) => {
        at += pause;
        return series.map((name): Row => {
          const named = name === other?.series ? other.holders : holders;
          return [name, at, name === marked ? Number.NaN : 1, factsOf(1, { holders: named })];
        });
      });
      const batches = Array.from({ length: Math.ceil(rows.length / size) }, (_, part) =>
        batchOf(rows.slice(part * size, (part + 1) * size).flat()),
      );
      const buckets = batches.flatMap((batch) => batch.blocks.map((block) => bucketOf(batch, block)));
      const observations = batches.flatMap((batch) => batch.blocks.flatMap((block) => observationsOf(block, batch)));
      const evidence = evidenceOf(buckets, Number.POSITIVE_INFINITY, () => NOBODY);
      expect(holdTexts(derive(evidence).records)).toEqual(oracleHolds(observations));
    }),
    { numRuns: 300 },
  );
});
