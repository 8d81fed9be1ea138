/** What a streamer has done so far, in numbers. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { SkipReason } from "../../sources/port.ts";

/** Why a batch had to wait or be sent again. */
export const WAIT_REASONS = ["full", "unavailable", "gap"] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Everything counts from the start of the run and only grows. */
export interface StreamerTotals {
  /** Of this shard: those that gave a reading and those that were skipped. */
  readonly rows: number;
  /** In confirmed batches, after merging. */
  readonly readings: number;
  /** Confirmed. */
  readonly batches: number;
  /** Of the bodies of confirmed batches. */
  readonly bytes: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Pairs of readings of one series and time that became one, and those of them whose values differed. */
  readonly merged: { readonly same: number; readonly differing: number };
  readonly waits: Readonly<Partial<Record<WaitReason, number>>>;
}

export interface FileReport {
  readonly path: string;
  readonly bytes: number;
  /** Why the file, or the rest of it, could not be read; null: nothing wrong. */
  readonly problem: string | null;
  /** It went on where an earlier run had ended. */
  readonly resumed: boolean;
}

export interface StreamerSummary extends StreamerTotals {
  readonly gpus: number;
  /** Canonical names, sorted. */
  readonly metrics: readonly string[];
  /** Times of the readings in confirmed batches; null: none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly files: readonly FileReport[];
  /** A file could not be read to its end. */
  readonly failed: boolean;
  /** Everything had been sent by earlier runs; nothing was left to do. */
  readonly alreadyComplete: boolean;
  /** How often the end was reached. */
  readonly passes: number;
}

export class Tally {
  readonly totals = {
    rows: 0,
    readings: 0,
    batches: 0,
    bytes: 0,
    skipped: {} as Partial<Record<SkipReason, number>>,
    merged: { same: 0, differing: 0 },
    waits: {} as Partial<Record<WaitReason, number>>,
  } satisfies StreamerTotals;
  passes = 0;
  readonly #gpus = new Set<string>();
  readonly #metrics = new Set<string>();
  readonly #files = new Map<string, FileReport>();
  #firstAt: number | null = null;
  #lastAt: number | null = null;

  confirmed({ readings, firstAt, lastAt, blocks, series }: Batch, bytes: number): void {
    const { totals } = this;
    totals.readings += readings;
    totals.batches++;
    totals.bytes += bytes;
    this.#firstAt = Math.min(firstAt, this.#firstAt ?? firstAt);
    this.#lastAt = Math.max(lastAt, this.#lastAt ?? lastAt);
    for (const { gpu } of blocks) this.#gpus.add(gpu);
    for (const name of series) this.#metrics.add(metricOf(name));
  }

  /** Rows that became a batch, and what was merged for it. */
  cut(rows: number, { same, differing }: StreamerTotals["merged"]): void {
    this.totals.rows += rows;
    this.totals.merged.same += same;
    this.totals.merged.differing += differing;
  }

  skipped(reason: SkipReason): void {
    this.totals.rows++;
    this.totals.skipped[reason] = (this.totals.skipped[reason] ?? 0) + 1;
  }

  waited(reason: WaitReason): void {
    this.totals.waits[reason] = (this.totals.waits[reason] ?? 0) + 1;
  }

  /**
   * A file is reported once, however often it is read; what went wrong in an earlier pass stays said. False when the
   * same was said before.
   */
  file(report: FileReport): boolean {
    const earlier = this.#files.get(report.path);
    this.#files.set(report.path, {
      ...report,
      problem: report.problem ?? earlier?.problem ?? null,
      resumed: earlier?.resumed ?? report.resumed,
    });
    return earlier?.problem !== report.problem;
  }

  summary(): StreamerSummary {
    const files = [...this.#files.values()];
    const failed = files.some(({ problem }) => problem !== null);
    const { skipped, merged, waits, ...counts } = this.totals;
    return {
      ...counts,
      skipped: { ...skipped },
      merged: { ...merged },
      waits: { ...waits },
      gpus: this.#gpus.size,
      metrics: [...this.#metrics].sort(),
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      files,
      failed,
      alreadyComplete: !failed && this.passes > 0 && counts.batches === 0 && files.every(({ resumed }) => resumed),
      passes: this.passes,
    };
  }
}
