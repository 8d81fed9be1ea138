/** The times at which an expression is evaluated. */

export interface Grid {
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Milliseconds between two evaluations; 1 where there is a single one. */
  readonly step: number;
  readonly count: number;
}

export const gridTime = (grid: Grid, index: number): number => grid.start + index * grid.step;
export const gridEnd = (grid: Grid): number => gridTime(grid, grid.count - 1);

export function gridTimes(grid: Grid): Float64Array {
  const times = new Float64Array(grid.count);
  for (let index = 0; index < grid.count; index++) times[index] = gridTime(grid, index);
  return times;
}

/** The grid from `start` to at most `end`; empty where the end is before the start. */
export function gridBetween(start: number, end: number, step: number): Grid {
  return { start, step, count: end < start ? 0 : Math.floor((end - start) / step) + 1 };
}
