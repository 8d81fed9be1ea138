/** The state of one running query: what it reads from, its bounds, its remarks, and its turn on the event loop. */
import { setImmediate } from "node:timers/promises";
import { PromqlError } from "../errors.ts";
import type { Usage } from "../limits.ts";
import type { Matcher } from "../matcher.ts";
import type { AtTime, Duration } from "../parse/ast.ts";
import { durationMs, positiveDurationMs } from "../parse/durations.ts";
import type { Remarks } from "../remarks.ts";
import type { SelectUse, SeriesSource, SourceSeries } from "../source.ts";

/** Values computed between two looks at the signal: some milliseconds. */
const PAUSE_AFTER = 1_000_000;

export interface QueryState {
  readonly source: SeriesSource;
  readonly usage: Usage;
  readonly remarks: Remarks;
  readonly signal: AbortSignal;
  /** What was asked for, in milliseconds; the last evaluation of a range may be before its end. */
  readonly start: number;
  readonly end: number;
  /** Milliseconds between evaluations; 0 for an instant query. */
  readonly step: number;
  /** Milliseconds that an instant selector looks back. */
  readonly lookback: number;
  /** Step of subqueries that name none, in milliseconds. */
  readonly subqueryStep: number;
  /** Names are dropped when the query ends, not when an operation changes their meaning. */
  readonly delayedNames: boolean;
  /** Whether a metric is a counter, although its name does not say so. */
  readonly isCounter: (metric: string) => boolean;
}

export class Query {
  readonly state: QueryState;
  readonly #selections = new Map<string, Promise<readonly SourceSeries[]>>();
  #work = 0;

  constructor(state: QueryState) {
    this.state = state;
  }

  /** Counts computed values; true when a `pause` is due. */
  isDue(values: number): boolean {
    this.#work += values;
    return this.#work >= PAUSE_AFTER;
  }

  /** Lets others run. @throws PromqlError `canceled` when the signal is aborted */
  async pause(): Promise<void> {
    this.#work = 0;
    await setImmediate();
    this.check();
  }

  check(): void {
    const { signal } = this.state;
    if (signal.aborted) throw new PromqlError("query was canceled", { kind: "canceled", cause: signal.reason });
  }

  /** Reads series; equal selections of one query are read once. */
  async select(
    matchers: readonly Matcher[],
    start: number,
    end: number,
    use: SelectUse,
  ): Promise<readonly SourceSeries[]> {
    const parts = matchers.flatMap(({ name, operator, value }) => [name, operator, value]);
    const key = JSON.stringify([start, end, use, parts]);
    const known = this.#selections.get(key);
    if (known !== undefined) return known;
    const selection = this.#read(matchers, start, end, use);
    this.#selections.set(key, selection);
    return selection;
  }

  async #read(
    matchers: readonly Matcher[],
    start: number,
    end: number,
    use: SelectUse,
  ): Promise<readonly SourceSeries[]> {
    const { source, signal, usage } = this.state;
    this.check();
    const series = await source.select({ matchers, start, end, use }, { signal });
    this.check();
    let samples = 0;
    for (const { times } of series) samples += times.length;
    usage.read(series.length, samples);
    return series;
  }

  /** The time that `@` names, in milliseconds; null without one. */
  atTime(at: AtTime | null): number | null {
    if (at === "start") return this.state.start;
    return at === "end" ? this.state.end : at;
  }

  offsetMs(duration: Duration | null): number {
    return duration === null ? 0 : durationMs(duration, this.#extent());
  }

  lengthMs(duration: Duration): number {
    return positiveDurationMs(duration, this.#extent());
  }

  #extent(): { step: number; range: number } {
    const { start, end, step } = this.state;
    return { step, range: end - start };
  }
}
