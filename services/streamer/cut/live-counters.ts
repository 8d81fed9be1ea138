/**
 * `TIMESTAMPS=live`: makes counters fit the times at which their readings are sent. A replay is faster than the
 * recording, so energy that grew as recorded would show a power many times higher than the readings of power.
 */
import { METRICS } from "../../../schema/model/metric.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";

/** A counter of one GPU. `flow`: it grows with time, as energy does. `events`: it counts what happened. */
export interface Counter {
  readonly key: string;
  readonly kind: "flow" | "events";
}

/** Units of counters that grow with time: energy, and time spent in a state. */
const FLOW_UNITS: ReadonlySet<string> = new Set(["mJ", "ns", "us"]);
/** What passes through a link also grows with time, but DCGM states no unit for it. */
const FLOWS: ReadonlySet<string> = new Set(["DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL"]);

/** Returns undefined for a series that is no counter of the catalogue. */
export function counterOf(gpu: string, series: Series): Counter | undefined {
  const metric = metricOf(series);
  const info = Object.hasOwn(METRICS, metric) ? METRICS[metric as keyof typeof METRICS] : undefined;
  if (info?.kind !== "counter") return undefined;
  return { key: `${gpu} ${series}`, kind: FLOW_UNITS.has(info.unit) || FLOWS.has(metric) ? "flow" : "events" };
}

interface State {
  /** The last recorded value and its time. */
  recorded: number;
  recordedAt: number;
  /** The last value sent and its time. */
  sent: number;
  sentAt: number;
}

/** With more counters, all begin anew, as after a restart of their hosts. About 100 MB. */
const MAX_COUNTERS = 500_000;

export class LiveCounters {
  readonly #states = new Map<string, State>();

  /**
   * Returns the value to send with a reading. In one run,
   * - a `flow` begins at 0 and grows at the recorded rate: what it grows by is recorded for as much time as has passed;
   * - `events` begin at the recorded value and grow by the recorded number;
   * - both stay as they are where the recording begins again, and fall where a recorded counter was reset.
   */
  next({ key, kind }: Counter, value: number, recordedAt: number, sentAt: number): number {
    const state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= MAX_COUNTERS) this.#states.clear();
      const sent = kind === "flow" ? 0 : value;
      this.#states.set(key, { recorded: value, recordedAt, sent, sentAt });
      return sent;
    }
    if (recordedAt > state.recordedAt) {
      const grown = value - state.recorded;
      const share = (sentAt - state.sentAt) / (recordedAt - state.recordedAt);
      if (grown < 0) state.sent = kind === "flow" ? 0 : value;
      else state.sent += kind === "flow" ? grown * share : grown;
    }
    state.recorded = value;
    state.recordedAt = recordedAt;
    state.sentAt = sentAt;
    return Math.round(state.sent);
  }
}
