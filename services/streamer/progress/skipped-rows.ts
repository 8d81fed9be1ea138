/** Rows that gave no reading: counted by reason, and the first of each file named in the log. */
import type { Logger } from "../../platform/process/logger.ts";
import type { SkipReason } from "../../sources/port.ts";
import type { Tally } from "./summary.ts";

const LOGGED_PER_REASON = 5;

/** The first few, then the 10th, the 100th and so on. */
const isWorthALine = (count: number): boolean => count <= LOGGED_PER_REASON || Number.isInteger(Math.log10(count));

export class SkippedRows {
  readonly #tally: Tally;
  readonly #log: Logger;
  /** By file and reason, over all passes. */
  readonly #counts = new Map<string, number>();

  constructor(tally: Tally, log: Logger) {
    this.#tally = tally;
    this.#log = log;
  }

  add(file: string, reason: SkipReason, line: number, detail: () => string): void {
    this.#tally.skipped(reason);
    const key = `${reason} ${file}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (isWorthALine(count)) this.#log.warn("row skipped", { file, line, reason, detail: detail(), count });
  }
}
