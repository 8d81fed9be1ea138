/** Counts what a streamer has done so far. */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { DifferingRows } from "../../../schema/batch/block-cutter.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { SkipReason } from "../../sources/port.ts";

/** Why a batch was delayed or sent again. */
export const WAIT_REASONS = ["full", "unavailable", "gap"] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Counts since the start of the run; they only grow. */
export interface StreamerTotals {
  /** Rows of this shard, readings and skips. */
  readonly rows: number;
  /** Readings in confirmed batches, after merging. */
  readonly readings: number;
  /** Confirmed batches. */
  readonly batches: number;
  /** Bytes of the bodies of confirmed batches. */
  readonly bytes: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Readings dropped because another of the same series and time was in the batch, by whether values were equal. */
  readonly merged: { readonly same: number; readonly differing: number };
  readonly waits: Readonly<Partial<Record<WaitReason, number>>>;
  /** Labels that were ignored, each once per source, up to 100 of a source. */
  readonly ignoredLabels: number;
}

export interface SourceReport {
  readonly name: string;
  readonly bytes: number;
  /** Why the source, or the rest of it, could not be read; null if there was no problem. */
  readonly problem: string | null;
  /** True if the source was continued where an earlier run had ended. */
  readonly resumed: boolean;
}

export interface SkippedRow {
  /** Name of the source. */
  readonly source: string;
  readonly reason: SkipReason;
  readonly line: number;
  /** The reason in words, with the value and the accepted values. */
  readonly detail: () => string;
}

export interface SkipExample extends Omit<SkippedRow, "detail"> {
  readonly detail: string;
}

/** Examples kept for each reason, and series kept whose values differ. */
const MAX_EXAMPLES = 3;

export interface StreamerSummary extends StreamerTotals {
  readonly gpus: number;
  /** Canonical names of metrics, sorted. */
  readonly metrics: readonly string[];
  /** Times of the readings in confirmed batches; null: none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly sources: readonly SourceReport[];
  /** The first three skipped rows of each reason, in the order in which they were read. */
  readonly skipExamples: readonly SkipExample[];
  /** Of up to three series: the earliest rows that the run found to differ. */
  readonly differingExamples: readonly DifferingRows[];
  /** True if the run began at the start of its sources and skipped every row. Always false for one shard of several. */
  readonly unreadable: boolean;
  /** True if a source could not be read to its end. */
  readonly failed: boolean;
  /** True if earlier runs had sent everything. */
  readonly alreadyComplete: boolean;
  /** How often the end of all sources was reached. */
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
    ignoredLabels: 0,
  } satisfies StreamerTotals;
  passes = 0;
  readonly #gpus = new Set<string>();
  readonly #metrics = new Set<string>();
  readonly #sources = new Map<string, SourceReport>();
  readonly #skipExamples: SkipExample[] = [];
  readonly #differing = new Map<string, DifferingRows>();
  readonly #isWhole: boolean;
  #firstAt: number | null = null;
  #lastAt: number | null = null;

  /** @param isWhole true if this run sends the rows of all hosts */
  constructor({ isWhole }: { isWhole: boolean }) {
    this.#isWhole = isWhole;
  }

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

  /** Counts the rows of a batch, and the readings merged in it. */
  cut(rows: number, { same, differing }: StreamerTotals["merged"]): void {
    this.totals.rows += rows;
    this.totals.merged.same += same;
    this.totals.merged.differing += differing;
  }

  skipped({ source, reason, line, detail }: SkippedRow): void {
    this.totals.rows++;
    const count = (this.totals.skipped[reason] ?? 0) + 1;
    this.totals.skipped[reason] = count;
    if (count <= MAX_EXAMPLES) this.#skipExamples.push({ source, reason, line, detail: detail() });
  }

  ignored(): void {
    this.totals.ignoredLabels++;
  }

  /** Keeps the earliest of the rows of each series, for the first series. */
  differing(rows: DifferingRows): void {
    const known = this.#differing.get(rows.series);
    if (known === undefined ? this.#differing.size < MAX_EXAMPLES : rows.at < known.at) {
      this.#differing.set(rows.series, rows);
    }
  }

  waited(reason: WaitReason): void {
    this.totals.waits[reason] = (this.totals.waits[reason] ?? 0) + 1;
  }

  /**
   * Replaces the report of the source, but keeps a problem of an earlier pass. Returns false if the problem is the same
   * as before.
   */
  source(report: SourceReport): boolean {
    const earlier = this.#sources.get(report.name);
    this.#sources.set(report.name, {
      ...report,
      problem: report.problem ?? earlier?.problem ?? null,
      resumed: earlier?.resumed ?? report.resumed,
    });
    return earlier?.problem !== report.problem;
  }

  isUnreadable(): boolean {
    const { readings, skipped } = this.totals;
    const isFresh = [...this.#sources.values()].every(({ resumed }) => !resumed);
    return this.#isWhole && isFresh && readings === 0 && Object.keys(skipped).length > 0;
  }

  summary(): StreamerSummary {
    const sources = [...this.#sources.values()];
    const failed = sources.some(({ problem }) => problem !== null);
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
      sources,
      skipExamples: [...this.#skipExamples],
      differingExamples: [...this.#differing.values()],
      unreadable: this.isUnreadable(),
      failed,
      alreadyComplete: !failed && this.passes > 0 && counts.batches === 0 && sources.every(({ resumed }) => resumed),
      passes: this.passes,
    };
  }
}
