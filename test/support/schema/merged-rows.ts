/** What a batch must hold of rows, worked out cell by cell. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import { trackOf } from "../../../schema/batch/evidence.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { type HolderSet, holderSetOf } from "../../../schema/model/holder.ts";
import { type Row, START } from "../../conformance/repository/bench.ts";

/** GPU, series and time → the largest value of the rows without a holder, or of all if each has one. */
export function merged(given: readonly Row[]): Map<string, number> {
  const cells = Map.groupBy(
    given.filter(([, , value]) => !Number.isNaN(value)),
    ([series, at, , facts]) => `${facts?.uuid} ${series} ${START + at}`,
  );
  return new Map(
    [...cells].map(([key, rows]) => {
      const bare = rows.filter(([, , , facts]) => (facts?.holders ?? []).length === 0);
      // Math.max prefers the positive zero, as the builder does.
      return [key, Math.max(...(bare.length > 0 ? bare : rows).map(([, , value]) => value))];
    }),
  );
}

/** GPU, series and time → the holders of all rows; none if a row has none. */
export function named(given: readonly Row[]): Map<string, HolderSet> {
  const cells = Map.groupBy(
    given.filter(([, , value]) => !Number.isNaN(value)),
    ([series, at, , facts]) => `${facts?.uuid} ${series} ${START + at}`,
  );
  return new Map(
    [...cells].map(([key, rows]) => {
      const sets = rows.map(([, , , facts]) => facts?.holders ?? []);
      return [key, sets.some(({ length }) => length === 0) ? [] : holderSetOf(sets.flat())];
    }),
  );
}

export function readingsOf(batch: Batch): Map<string, number> {
  const readings = new Map<string, number>();
  forEachReading(batch, (gpu, series, at, value) => readings.set(`${gpu} ${series} ${at}`, value));
  return readings;
}

/** GPU, series and time → the holders that the batch's evidence names. */
export function holdersOf(batch: Batch): Map<string, HolderSet> {
  const found = new Map<string, HolderSet>();
  const evidence = new BlockEvidence(batch);
  for (const block of batch.blocks) {
    const columns = unpackColumns(block.packed);
    if (!columns.ok) throw new Error(columns.error);
    const { at, values } = columns.value;
    const named = evidence.of(block, () => at);
    for (const [column, cells] of values.entries()) {
      const series = batch.series[block.series[column] as number];
      for (const [tick, value] of cells.entries()) {
        if (Number.isNaN(value)) continue;
        const run = named && trackOf(named, column).findLast((each) => each.tick <= tick);
        found.set(`${block.gpu} ${series} ${at[tick]}`, run ? (named?.sets[run.set - 1] ?? []) : []);
      }
    }
  }
  return found;
}

export const inOrder = <T>(readings: Map<string, T>) => [...readings].sort(([a], [b]) => (a < b ? -1 : 1));
