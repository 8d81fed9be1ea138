/** Displays the progress of an import: a bar on a terminal, otherwise a line every two seconds. */
import { printable } from "../../schema/model/printable.ts";
import { formatBytes, formatCount, formatSpan } from "./figures.ts";

export interface Progress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly readings: number;
  /** Rows without a reading. */
  readonly skipped: number;
  readonly source: string;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const LINE_MS = 2000;

const bar = (share: number): string => {
  const full = Math.round(share * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
};

export class ProgressDisplay {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #startedAt: number;
  #shownAt: number;
  #drawn = false;

  constructor(output: ProgressOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
    this.#startedAt = now();
    this.#shownAt = this.#startedAt;
  }

  /** Shows the progress at most every 100 ms, or every 2 s without a terminal, so frequent calls are cheap. */
  show(progress: Progress): void {
    const now = this.#now();
    const isTerminal = this.#output.isTTY === true;
    if (now - this.#shownAt < (isTerminal ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = now;
    const text = this.#describe(progress, now - this.#startedAt);
    if (!isTerminal) {
      this.#output.write(`${text}\n`);
      return;
    }
    const share = progress.bytesTotal === 0 ? 1 : Math.min(1, progress.bytesRead / progress.bytesTotal);
    const line = `${bar(share)} ${text}`;
    this.#output.write(`\r\x1b[2K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#drawn = true;
  }

  /** Removes the bar. */
  clear(): void {
    if (this.#drawn) this.#output.write("\r\x1b[2K");
    this.#drawn = false;
  }

  #describe({ bytesRead, bytesTotal, readings, skipped, source }: Progress, tookMs: number): string {
    const share = bytesTotal === 0 ? 1 : Math.min(1, bytesRead / bytesTotal);
    const leftMs = bytesRead === 0 ? null : (tookMs / bytesRead) * Math.max(0, bytesTotal - bytesRead);
    const parts = [
      `${Math.floor(share * 100)}%`,
      `${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`,
      readings === 0 && skipped > 0
        ? `no readings, ${formatCount(skipped)} rows skipped`
        : `${formatCount((readings / Math.max(1, tookMs)) * 1000)} readings/s`,
      ...(leftMs === null ? [] : [`${formatSpan(leftMs)} left`]),
      printable(source),
    ];
    return parts.join(" · ");
  }
}
