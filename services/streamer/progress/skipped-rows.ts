/** Counts rows that gave no reading by reason, passes them to the summary, and logs some of them. */
import type { Logger } from "../../platform/process/logger.ts";
import type { SkippedRow, Tally } from "./summary.ts";

const LOGGED_PER_REASON = 5;

/** True for the first five rows, then for the 10th, the 100th and so on. */
const isLogged = (count: number): boolean => count <= LOGGED_PER_REASON || Number.isInteger(Math.log10(count));

export class SkippedRows {
  readonly #tally: Tally;
  readonly #log: Logger;
  /** Number of skipped rows by reason and source, over all passes. */
  readonly #counts = new Map<string, number>();

  constructor(tally: Tally, log: Logger) {
    this.#tally = tally;
    this.#log = log;
  }

  add(row: SkippedRow): void {
    this.#tally.skipped(row);
    const { source, reason, line, detail } = row;
    const key = `${reason} ${source}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (isLogged(count)) this.#log.warn("row skipped", { source, line, reason, detail: detail(), count });
  }
}
