/** Collects the readings of one request in batches, and counts the samples that give none. */
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { isBlankNumber } from "../../../schema/dcgm/value.ts";
import { describeImplausible, type MetricRange } from "../../../schema/model/metric-range.ts";
import { isOnPurpose, type KnownSeries, type KnownSeriesCache, type SkipReason } from "./known-series.ts";
import type { LabelList } from "./label-list.ts";
import type { Replica } from "./replica.ts";

/**
 * Readings in a batch, cut where the request has them, so that the same request has the same batches. As many new GPUs
 * take about 1 MiB, which `encodeBatch()` accepts however well their labels compress. Prometheus sends 2,000 samples in
 * a request.
 */
const MAX_BATCH_READINGS = 8192;
/** Bounds of a sample's time, which are those of times in files. */
const FIRST_TIME = Date.UTC(2000);
const MAX_AHEAD_MS = 86_400_000;

export interface Sample {
  /** Ms since the epoch. */
  readonly at: number;
  readonly value: number;
  /** True: the series no longer exists; the value does not matter. */
  readonly isStale: boolean;
}

/** Returns why a sample gives no reading, and undefined for one that gives one. */
function faultOf(
  { at, value, isStale }: Sample,
  range: MetricRange,
  now: number,
): [reason: SkipReason, detail: string] | undefined {
  if (at < FIRST_TIME || at > now + MAX_AHEAD_MS) {
    return ["time", `time must be between 2000-01-01 and one day ahead of the clock, got ${at}`];
  }
  if (isStale) return undefined;
  if (!Number.isFinite(value)) return ["not_finite", `value must be a finite number, got ${value}`];
  if (isBlankNumber(value)) return ["blank", `value must be a measurement, got DCGM's blank ${value}`];
  if (value < range.min || value > range.max) return ["implausible", describeImplausible(range, value)];
  return undefined;
}

export interface EncodedBatch {
  readonly body: Uint8Array;
  readonly readings: number;
}

export interface IntakeOptions {
  readonly cache: KnownSeriesCache;
  /** Tells whether samples of the replica count. */
  readonly elects: (replica: Replica) => boolean;
  /** Ms since the epoch, at the arrival of the request. */
  readonly now: number;
  /** Returns the header of the next batch. */
  readonly header: () => { producer: string; epoch: number; seq: number };
}

export interface Skipped {
  count: number;
  /** The first of them, in words. */
  readonly detail: string;
}

/** Counts what the sender is told: readings, and samples that are left out on purpose. */
export interface Written {
  samples: number;
  histograms: number;
  exemplars: number;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #builder = createBatchBuilder(2);
  readonly #elected = new Map<Replica, boolean>();
  readonly batches: EncodedBatch[] = [];
  readonly skips = new Map<SkipReason, Skipped>();
  readonly written: Written = { samples: 0, histograms: 0, exemplars: 0 };
  /** Readings and stale marks in the batches. */
  readings = 0;
  /** The first sample, series or point that breaks the protocol. */
  problem: string | undefined;
  /** Samples of series that break the protocol. */
  invalid = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  series(name: string | undefined, keyOf: () => string, labelsOf: () => LabelList): KnownSeries {
    const known = this.#options.cache.get(name, keyOf, labelsOf);
    if (known.kind === "invalid") this.reject(known.detail);
    if (known.kind !== "reading" || known.replica === null || this.#counts(known.replica)) return known;
    return { kind: "skip", reason: "replica", detail: `replica ${known.replica.name} is not the elected one` };
  }

  /** A series, or a part of one, breaks the protocol. */
  reject(detail: string): void {
    this.problem ??= detail;
  }

  sample(known: KnownSeries, sample: Sample): void {
    if (known.kind !== "reading") {
      this.#leaveOut(known, "samples");
      return;
    }
    const fault = faultOf(sample, known.range, this.#options.now);
    if (fault === undefined) this.#add(known, sample.at, sample.isStale ? Number.NaN : sample.value);
    else this.skip(...fault);
  }

  /** A native histogram or an exemplar, which give no reading. */
  other(known: KnownSeries, kind: "histogram" | "exemplar"): void {
    if (known.kind === "reading") this.skip(kind, `sample must be a number, got ${kind}`);
    else this.#leaveOut(known, `${kind}s`);
  }

  skip(reason: SkipReason, detail: string): void {
    const skipped = this.skips.get(reason);
    if (skipped === undefined) this.skips.set(reason, { count: 1, detail });
    else skipped.count++;
  }

  /** Closes the last batch. Call it once, at the end of the request. */
  close(): void {
    if (this.#builder.size > 0) this.#cut();
  }

  #leaveOut(known: Exclude<KnownSeries, { kind: "reading" }>, kind: keyof Written): void {
    if (known.kind === "invalid") {
      this.invalid++;
      return;
    }
    this.skip(known.reason, known.detail);
    if (isOnPurpose(known.reason)) this.written[kind]++;
  }

  #counts(replica: Replica): boolean {
    let counts = this.#elected.get(replica);
    if (counts === undefined) {
      counts = this.#options.elects(replica);
      this.#elected.set(replica, counts);
    }
    return counts;
  }

  #add({ identity }: Extract<KnownSeries, { kind: "reading" }>, at: number, value: number): void {
    const { facts, series, holders } = identity;
    this.#builder.add(this.#builder.slot(facts, series, holders), at, value);
    this.written.samples++;
    this.readings++;
    if (this.#builder.size >= MAX_BATCH_READINGS) this.#cut();
  }

  #cut(): void {
    const batch = this.#builder.take(this.#options.header());
    this.batches.push({ body: encodeBatch(batch), readings: batch.readings });
  }
}
