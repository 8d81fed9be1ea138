/** What one query may use. Each error says which bound it met and what to change. */
import { failed, invalid } from "./errors.ts";

export interface Limits {
  /** Evaluations of a range query. */
  readonly maxSteps: number;
  /** Samples read from the source. */
  readonly maxSamples: number;
  /** Series of one selection. */
  readonly maxSeries: number;
  /** Values held at once, of all intermediate results together; each takes nine bytes. */
  readonly maxValues: number;
}

export const DEFAULT_LIMITS: Limits = {
  // Prometheus' bound, which Grafana keeps to.
  maxSteps: 11_000,
  // 10,000 GPUs for three days at 15 s.
  maxSamples: 200_000_000,
  // One metric of 10,000 GPUs whose pods change twenty times.
  maxSeries: 200_000,
  // 450 MB: 10,000 series of 1,440 steps three times over.
  maxValues: 50_000_000,
};

const count = (value: number): string => value.toLocaleString("en");

/** What a query has used so far. */
export class Usage {
  readonly #limits: Limits;
  #samples = 0;
  #values = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  steps(steps: number): void {
    const { maxSteps } = this.#limits;
    if (steps <= maxSteps) return;
    const sentence = `exceeded maximum resolution of ${count(maxSteps)} points per timeseries`;
    throw invalid(`${sentence}. Try decreasing the query resolution (?step=XX)`);
  }

  read(series: number, samples: number): void {
    const { maxSeries, maxSamples } = this.#limits;
    if (series > maxSeries) {
      throw failed(
        `a selector must match at most ${count(maxSeries)} series, got ${count(series)}; add label matchers`,
      );
    }
    this.#samples += samples;
    if (this.#samples > maxSamples) {
      const change = "add label matchers, or shorten the query's or the selectors' range";
      throw failed(`a query must read at most ${count(maxSamples)} samples, got ${count(this.#samples)}; ${change}`);
    }
  }

  /** Counts values that an intermediate result is about to hold. */
  hold(values: number): void {
    this.#values += values;
    const { maxValues } = this.#limits;
    if (this.#values <= maxValues) return;
    const change = "use a longer step, add label matchers, or aggregate";
    throw failed(`a query must hold at most ${count(maxValues)} values at once, got ${count(this.#values)}; ${change}`);
  }

  release(values: number): void {
    this.#values -= values;
  }
}
