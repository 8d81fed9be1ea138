/** Repeats the newest row of a series that a host's exporter prints no more, as Prometheus does in instant queries. */
import type { Target } from "./labels.ts";
import type { MetricInfo } from "./metrics.ts";
import type { Reading } from "./readings.ts";

/** A row with the exporter that printed it. */
export interface Printed {
  readonly target: Target;
  readonly reading: Reading;
}

export class Lookback {
  readonly #lookbackMs: number;
  /** Newest row of each series, in the order of their last appearance. Holds no row older than the lookback. */
  readonly #newest = new Map<string, Printed & { readonly atMs: number }>();

  constructor(lookbackMs: number) {
    this.#lookbackMs = lookbackMs;
  }

  /** Returns the rows at a time: those printed now, then those repeated. Times must not go back. */
  add(atMs: number, target: Target, readings: readonly Reading[]): ReadonlyMap<MetricInfo, Printed[]> {
    const rows = new Map<MetricInfo, Printed[]>();
    const show = (printed: Printed) => {
      const list = rows.get(printed.reading.metric);
      if (list === undefined) rows.set(printed.reading.metric, [printed]);
      else list.push(printed);
    };
    for (const reading of readings) show({ target, reading });
    if (this.#lookbackMs === 0) return rows;
    for (const reading of readings) {
      const key = seriesKey(target, reading);
      this.#newest.delete(key);
      this.#newest.set(key, { target, reading, atMs });
    }
    for (const [key, printed] of this.#newest) {
      if (printed.atMs === atMs) continue;
      // Prometheus looks back over (t - lookback, t].
      if (atMs - printed.atMs >= this.#lookbackMs) this.#newest.delete(key);
      else show(printed);
    }
    return rows;
  }
}

const seriesKey = ({ pod }: Target, { metric, slot, card, instance, holding, xid }: Reading): string =>
  [metric.name, slot.index, card, instance?.id, holding?.run.key, holding?.vgpu, xid, pod].join(" ");
