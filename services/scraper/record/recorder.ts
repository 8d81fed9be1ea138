/** Turns the outcomes of scrapes into records of the spool, and counts what it takes and what it does not. */
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { tryToEncodeBatch } from "../../../schema/batch/codec.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { Availability } from "../../platform/process/availability.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { producerOf } from "../../spool/send/sender.ts";
import type { Spool } from "../../spool/spool.ts";
import type { Tick } from "../exposition/target-series.ts";
import { addMarks, addTick } from "../exposition/tick-batch.ts";
import type { ScrapeOutcome } from "../scrape/scrape-loop.ts";
import type { Target } from "../targets/target.ts";
import type { TargetList } from "../targets/target-list.ts";
import { type Dependency, NO_TOTALS, type ScraperTotals } from "./totals.ts";

export interface RecorderOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onTotals?: ((totals: ScraperTotals) => void) | undefined;
  readonly onState?: ((dependency: Dependency, problem: string | null) => void) | undefined;
}

/** The first scrape of a target that the spool did not take, and has taken none since. */
interface Gap {
  readonly at: number;
  /** The series that the scrape had or ended. */
  readonly meanings: Tick["meanings"];
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #states = new Map<string, Availability>();
  readonly #totals = { ...NO_TOTALS };
  readonly #reported = new Set<string>();
  readonly #gaps = new Map<string, Gap>();
  readonly #disk: Availability;
  #isFull = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { clock, log, onState } = options;
    this.#disk = new Availability("spool", { clock, log, onChange: (problem) => onState?.("spool", problem) });
  }

  async take({ target, tick, problem }: ScrapeOutcome): Promise<void> {
    const { clock, log, onTotals } = this.#options;
    const state = this.#states.get(target.key) ?? new Availability(target.url, { clock, log });
    this.#states.set(target.key, state);
    this.#totals.scrapes++;
    if (problem === undefined) state.up();
    else {
      this.#totals.failed++;
      state.down(problem);
    }
    for (const [reason, { count, detail }] of tick.skips) {
      this.#totals.skipped += count;
      if (this.#reported.has(reason)) continue;
      this.#reported.add(reason);
      log.warn("samples are skipped", { reason, target: target.url, detail });
    }
    const gap = this.#gaps.get(target.key);
    if (tick.values.length + (gap?.meanings.length ?? 0) > 0) await this.#write(target, tick, gap);
    onTotals?.(this.#totals);
  }

  /** Records the tick, and before it the marks that end the target's series where its lost scrapes began. */
  async #write(target: Target, tick: Tick, gap: Gap | undefined): Promise<void> {
    const { log, spool } = this.#options;
    const builder = createBatchBuilder(2);
    if (gap !== undefined) addMarks(builder, gap.meanings, gap.at);
    addTick(builder, tick);
    // The queue numbers batches itself; number and life in the batch are for people who look at it.
    const batch = builder.take({ producer: producerOf(spool, "scrape"), epoch: 1, seq: spool.next });
    const body = tryToEncodeBatch(batch);
    const number = body instanceof AppError ? null : await this.#record(body, batch.readings);
    if (number === null) {
      this.#totals.lost += tick.values.length;
      if (gap === undefined) this.#gaps.set(target.key, gapOf(tick));
    } else {
      this.#totals.recorded += tick.values.length + (gap?.meanings.length ?? 0);
      this.#gaps.delete(target.key);
    }
    if (body instanceof AppError) log.error("scrape is too large, its readings are lost", { target: target.url });
    else if (!this.#disk.isDown) this.#report(number === null);
  }

  /** Returns null if the spool is full or its disk refuses the write. */
  async #record(body: Uint8Array, readings: number): Promise<number | null> {
    try {
      const number = await this.#options.spool.append(body, readings);
      this.#disk.up();
      return number;
    } catch (error) {
      this.#disk.down((error as Error).message);
      return null;
    }
  }

  listed({ targets, failures }: Pick<TargetList, "targets" | "failures">): void {
    this.#totals.targets = targets.length;
    this.#totals.listFailures = failures;
    this.#options.onTotals?.(this.#totals);
  }

  forget(target: Target): void {
    this.#states.delete(target.key);
    this.#gaps.delete(target.key);
  }

  #report(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const { log, spool, onState } = this.#options;
    onState?.("spool", isFull ? "is full" : null);
    const fields = { bytes: spool.bytes, scrapesLost: spool.refused };
    if (isFull) log.error("spool is full, scrapes are lost", fields);
    else log.warn("spool has room again", fields);
  }
}

/** Series whose samples have times of their own get no mark, because their target states their times. */
const gapOf = ({ at, meanings, times }: Tick): Gap => ({
  at,
  meanings: meanings.filter((_, index) => times[index] === at),
});
