/** Joins the parts of columns, for tests. */
import type { ColumnsPart } from "../../../services/repository/columns.ts";

/** By GPU and series, in the order in which they came. */
export async function joinedColumns(parts: AsyncIterable<ColumnsPart>) {
  const joined = new Map<string, { at: number[]; values: number[]; marks: number[] }>();
  for await (const { gpu, columns } of parts) {
    for (const { series, at, values, marks } of columns) {
      const key = `${gpu} ${series}`;
      const known = joined.get(key) ?? { at: [], values: [], marks: [] };
      joined.set(key, known);
      known.at.push(...at);
      known.values.push(...values);
      known.marks.push(...marks);
    }
  }
  return Object.fromEntries(joined);
}
