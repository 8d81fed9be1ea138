/** Instant selectors: the newest sample in the lookback, at each step. */
import type { VectorSelector } from "../parse/ast.ts";
import type { SourceSeries } from "../source.ts";
import { type Block, createBlock } from "./block.ts";
import { type Grid, gridEnd, gridTime } from "./grid.ts";
import type { Query } from "./query.ts";

/** Index of the first time above `limit`. */
export function firstAfter(times: Float64Array, limit: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

interface Row {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly base: number;
}

const NO_MARKS = new Float64Array(0);

function fillRow(
  series: SourceSeries,
  grid: Grid,
  offset: number,
  lookback: number,
  useTimes: boolean,
  row: Row,
): void {
  const { times, values, staleAt = NO_MARKS } = series;
  const { base } = row;
  const first = grid.start - offset;
  let next = firstAfter(times, first);
  let mark = firstAfter(staleAt, first);
  for (let step = 0, at = first; step < grid.count; step++, at += grid.step) {
    while (next < times.length && times[next]! <= at) next++;
    while (mark < staleAt.length && staleAt[mark]! <= at) mark++;
    if (next === 0) continue;
    const time = times[next - 1]!;
    if (time <= at - lookback || (mark > 0 && staleAt[mark - 1]! >= time)) continue;
    row.values[base + step] = useTimes ? time / 1000 : values[next - 1]!;
    row.present[base + step] = 1;
  }
}

/** The same value at each step: the selector's time is fixed by `@`. */
function repeatFirst(row: Row, count: number): void {
  row.values.fill(row.values[row.base]!, row.base, row.base + count);
  row.present.fill(row.present[row.base]!, row.base, row.base + count);
}

/** @param useTimes the samples' times in seconds instead of their values */
export async function evaluateSelector(
  selector: VectorSelector,
  grid: Grid,
  query: Query,
  useTimes = false,
): Promise<Block> {
  const { lookback } = query.state;
  const offset = query.offsetMs(selector.offset);
  const at = query.atTime(selector.at);
  const read: Grid = at === null ? grid : { start: at, step: 1, count: 1 };
  const series = await query.select(
    selector.matchers,
    gridTime(read, 0) - offset - lookback + 1,
    gridEnd(read) - offset,
    {
      step: at === null && grid.count > 1 ? grid.step : 0,
      range: 0,
      rangeFunction: null,
    },
  );
  query.state.usage.hold(series.length * grid.count);
  const block = createBlock(series.length, grid.count);
  for (let index = 0; index < series.length; index++) {
    const one = series[index]!;
    const row = { values: block.values, present: block.present, base: index * grid.count };
    fillRow(one, read, offset, lookback, useTimes, row);
    if (at !== null) repeatFirst(row, grid.count);
    block.labels.push(one.labels);
    if (query.isDue(one.times.length + grid.count)) await query.pause();
  }
  return block;
}
