/**
 * The readings read before a batch is cut. The end of a read-ahead depends only on its start and on the readings, never
 * on time or on how bytes arrive, so a restarted streamer makes the same read-aheads.
 */
import type { BatchBuilder } from "../../../schema/batch/builder.ts";
import { type GpuFacts, type GpuUuid, isHostId, isNilUuid } from "../../../schema/model/gpu.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import { describeImplausible, type MetricRange, rangeOf } from "../../../schema/model/metric-range.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Place, RowReader, RowTarget, SkipReason } from "../../sources/port.ts";
import { type Counter, counterOf } from "./live-counters.ts";
import type { Mark } from "./mark.ts";
import { type Refusal, SeriesLimits } from "./series-limits.ts";

const MAX_READINGS = 65_536;

const NIL: Refusal = {
  reason: "uuid",
  detail: () => "uuid must be that of one GPU, got zeros, which many GPUs report",
};

/** Releases that know only version 1 may reject a whole batch for an id without a uuid. */
const WITHOUT_UUID: Refusal = {
  reason: "uuid",
  detail: () => "uuid must be given while FORMAT is 1, got none; set FORMAT=2 once all processes can read version 2",
};
/** The range of a slot whose readings are all refused: no value is in it, so accepted readings need no other check. */
const NOTHING: MetricRange = { metric: "", min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };

/** A name that no series has. */
const refusedSeries = (series: Series): Series => `${metricOf(series)}{}` as Series;

export interface ReadAheadOptions {
  readonly builder: BatchBuilder;
  /**
   * What a read-ahead holds. `tick`: consecutive readings of one time. `bulk`: as many ticks as fit. A tick that does
   * not fit is divided.
   */
  readonly by: "tick" | "bulk";
  readonly wantsHost: (host: string) => boolean;
  /** Whether GPUs without a uuid, which host and index name, are accepted. */
  readonly allowsHostIds: boolean;
  /** Series of one metric and GPU that differ only in labels; readings of further ones are refused. */
  readonly maxSeriesPerMetric: number;
  readonly onSkip: (reason: SkipReason, line: number, detail: () => string) => void;
  readonly onIgnored: (label: string, metric: string) => void;
}

export interface Filled {
  /** Readings of the read-ahead that an earlier run has sent. */
  readonly sent: number;
  /** True if the reader has ended or failed. */
  readonly isLast: boolean;
  readonly fault?: unknown;
}

export class ReadAhead implements RowTarget {
  /** The read-ahead is the first `length` entries of the columns. */
  length = 0;
  readonly slots = new Int32Array(MAX_READINGS);
  /** Readings are sent with these times, which the owner may replace. */
  readonly at = new Float64Array(MAX_READINGS);
  /** NaN where the reading was refused: the row keeps its entry, so that marks of earlier releases mean the same. */
  readonly values = new Float64Array(MAX_READINGS);
  /** For each slot: its counter; undefined if it is no counter. */
  readonly counterOfSlot: (Counter | undefined)[] = [];
  /** For each slot: the number of its GPU, from 0. */
  readonly gpuOfSlot: number[] = [];
  readonly #options: ReadAheadOptions;
  readonly #gpus = new Map<string, number>();
  readonly #limits: SeriesLimits;
  /** By slot: why all its readings are refused. */
  readonly #refusals = new Map<number, Refusal>();
  /** For each slot: the values that its metric can have. */
  readonly #rangeOfSlot: MetricRange[] = [];
  #mark: Mark;
  /** Start of the next read-ahead. */
  #next: Pick<Mark, "place" | "skip">;
  /** Entries in the columns: the read-ahead, followed by readings of the next one. */
  #filled = 0;
  /** First entry of the last run of equal times. */
  #lastRun = 0;
  /** Readings still to come that belong to earlier read-aheads. */
  #toSkip: number;
  #limit = MAX_READINGS;
  #stopsAtTick = false;

  /** @param mark where to start; `fill` must get a reader that starts at the mark's place */
  constructor(mark: Mark, options: ReadAheadOptions) {
    this.#options = options;
    this.#limits = new SeriesLimits(options.maxSeriesPerMetric);
    this.#mark = mark;
    this.#next = mark;
    this.#toSkip = mark.skip;
  }

  get gpus(): number {
    return this.#gpus.size;
  }

  /** The start of this read-ahead, or of the next one if all of this one has been sent. */
  markAfter(sent: number): Mark {
    return sent < this.length
      ? { place: this.#mark.place, skip: this.#mark.skip, size: this.length, sent }
      : { ...this.#next, size: 0, sent: 0 };
  }

  /**
   * Reads the next read-ahead, which is empty if no reading of this shard is left. If the reader fails, the readings
   * before the failure are kept and the failure is returned.
   */
  async fill(reader: RowReader, signal: AbortSignal): Promise<Filled> {
    this.#drop();
    const { size, sent } = this.#mark;
    const before = { place: copy(reader.place), filled: this.#filled, toSkip: this.#toSkip };
    if (this.#filled === 0) this.#mark = { ...this.#mark, place: before.place };
    this.#stopsAtTick = size === 0 && this.#options.by === "tick";
    this.#limit = size === 0 ? MAX_READINGS : size;
    const outcome = await reader.read(this, { signal }).catch((fault: unknown) => ({ fault }));
    const endsBeforeLastRun = outcome === "stopped" && size === 0 && this.#lastRun > 0;
    this.length = endsBeforeLastRun ? this.#lastRun : this.#filled;
    this.#next =
      this.length === this.#filled
        ? { place: copy(reader.place), skip: this.#toSkip }
        : { place: before.place, skip: before.toSkip + this.length - before.filled };
    return {
      sent: size === this.length ? sent : 0,
      isLast: outcome !== "stopped",
      ...(typeof outcome === "object" ? outcome : {}),
    };
  }

  slot(facts: GpuFacts, series: Series, holders: HolderSet): number {
    if (!this.#options.wantsHost(facts.host)) return -1;
    const refusal = this.#refusalOf(facts.uuid, series);
    // Refused series share a slot, so that they take no memory.
    const kept = refusal === undefined ? series : refusedSeries(series);
    const slot = this.#options.builder.slot(facts, kept, holders);
    if (refusal !== undefined) this.#refusals.set(slot, refusal);
    let gpu = this.#gpus.get(facts.uuid);
    if (gpu === undefined) {
      gpu = this.#gpus.size;
      this.#gpus.set(facts.uuid, gpu);
    }
    this.gpuOfSlot[slot] = gpu;
    if (this.#rangeOfSlot[slot] === undefined) this.counterOfSlot[slot] = counterOf(facts.uuid, series);
    this.#rangeOfSlot[slot] ??= refusal === undefined ? rangeOf(metricOf(series)) : NOTHING;
    return slot;
  }

  #refusalOf(gpu: GpuUuid, series: Series): Refusal | undefined {
    if (isNilUuid(gpu)) return NIL;
    if (isHostId(gpu) && !this.#options.allowsHostIds) return WITHOUT_UUID;
    return this.#limits.refusal(gpu, series);
  }

  add(slot: number, at: number, value: number, line: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return false;
    }
    const entry = this.#filled++;
    const range = this.#rangeOfSlot[slot] as MetricRange;
    this.slots[entry] = slot;
    this.at[entry] = at;
    if (value >= range.min && value <= range.max) {
      this.values[entry] = value;
    } else {
      this.values[entry] = Number.NaN;
      this.#refuse(slot, value, line);
    }
    if (entry > 0 && at !== this.at[entry - 1]) {
      this.#lastRun = entry;
      if (this.#stopsAtTick) return true;
    }
    return entry + 1 >= this.#limit;
  }

  skip(reason: SkipReason, line: number, detail: () => string): void {
    this.#options.onSkip(reason, line, detail);
  }

  ignored(label: string, metric: string): void {
    this.#options.onIgnored(label, metric);
  }

  #refuse(slot: number, value: number, line: number): void {
    const refusal = this.#refusals.get(slot);
    if (refusal !== undefined) this.skip(refusal.reason, line, refusal.detail);
    else this.skip("implausible", line, () => describeImplausible(this.#rangeOfSlot[slot] as MetricRange, value));
  }

  /** Drops the read-ahead, and moves the readings of the next one to the front. */
  #drop(): void {
    if (this.length > 0) this.#mark = { ...this.#next, size: 0, sent: 0 };
    for (const column of [this.slots, this.at, this.values]) column.copyWithin(0, this.length, this.#filled);
    this.#filled -= this.length;
    this.length = 0;
    this.#lastRun = 0;
  }
}

const copy = (place: Place): Place => ({ ...place });
