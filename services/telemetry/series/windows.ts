/** Windows of time `[t, t + step)`, aligned to the epoch, that cover a stretch of time. */
import { refuse } from "../../../schema/model/arguments.ts";
import type { Window } from "../../../schema/model/window.ts";

/** Most windows of one answer. */
const WINDOWS_MAX = 11_000;

export interface Windows {
  /** Begin of each window, ms; the first one may begin before the stretch. */
  readonly starts: readonly number[];
  /** Length of each, ms. */
  readonly stepMs: number;
}

/**
 * @param stepMs null: one window, the whole stretch
 * @throws AppError `invalid` if there would be too many windows
 */
export function windowsOf({ from, to }: Window, stepMs: number | null): Windows {
  if (stepMs === null) return { starts: [from], stepMs: to - from };
  const first = Math.floor(from / stepMs) * stepMs;
  const count = Math.ceil((to - first) / stepMs);
  if (count > WINDOWS_MAX) {
    refuse(
      "step",
      `${stepMs} ms`,
      `long enough for at most ${WINDOWS_MAX} windows: at least ${Math.ceil((to - from) / WINDOWS_MAX / 1000)}s`,
    );
  }
  return { starts: Array.from({ length: count }, (_, index) => first + index * stepMs), stepMs };
}
