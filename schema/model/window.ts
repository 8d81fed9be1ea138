/** A half-open span of time `[from, to)` in milliseconds since the epoch. `-Infinity`/`Infinity` leave an end open. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export const ALL_TIME: Window = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
