/**
 * The live feed: readings that were just stored, for subscribers. Lossy by contract: a slow subscriber gets the newest
 * value per GPU and series and the number of values it missed, and never holds back the others. History comes from the
 * store, not from here. The memory and Redis implementations pass `test/conformance/live-feed.ts`.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import type { GpuFacts, GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";

export interface LiveReading {
  readonly gpu: GpuUuid;
  readonly host: string;
  readonly series: Series;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** A reading passes when it meets every condition that is given. One match in a list is enough. */
export interface LiveFilter {
  readonly gpus?: readonly GpuUuid[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  /** Canonical names; a metric covers all of its series. */
  readonly metrics?: readonly string[] | undefined;
  /** A value passes when it is greater than `above` or less than `below`; every value does when neither is given. */
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

const includes = (list: readonly string[] | undefined, value: string | null): boolean =>
  list === undefined || (value !== null && list.includes(value));

/** Whether the filter's `hosts` and `namespaces` pass a GPU. `gpus` is for the caller, who finds GPUs by uuid. */
export const passesGpu = (
  { hosts, namespaces }: LiveFilter,
  { host, namespace }: Pick<GpuFacts, "host" | "namespace">,
): boolean => includes(hosts, host) && includes(namespaces, namespace);

/** Whether the filter's `metrics` pass a canonical metric name. */
export const passesMetric = ({ metrics }: LiveFilter, metric: string): boolean => includes(metrics, metric);

/** Whether the filter's thresholds pass a value. Ask for every value, before conflation. */
export function passesValue({ above, below }: LiveFilter, value: number): boolean {
  if (above === undefined && below === undefined) return true;
  return (above !== undefined && value > above) || (below !== undefined && value < below);
}

export interface LiveFrame {
  /**
   * The newest value per GPU and series that has passed the filter since the last frame; at most `MAX_FRAME_READINGS`.
   */
  readonly readings: readonly LiveReading[];
  /**
   * Values that are not in `readings`: those that passed the filter and were replaced or dropped before the frame was
   * taken, plus those lost on the way to this process. A lost value counts whether or not it would have passed, and a
   * loss of unknown size counts 1. 0 means that nothing was missed, for certain. A frame may have `missed` and no
   * readings.
   */
  readonly missed: number;
}

/** A frame drops further series and counts them in `missed`. */
export const MAX_FRAME_READINGS = 100_000;

export interface LiveSubscription {
  /** Default: every reading passes. */
  readonly filter?: LiveFilter;
  /** Least time between two frames. */
  readonly minIntervalMs: number;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** Every method throws AppError `unavailable` when the feed cannot be reached, and once it is closed. */
export interface LiveFeed extends AsyncDisposable {
  /**
   * Call after the store has confirmed the batches. Costs next to nothing without subscribers. Batches published while
   * the feed is unavailable are missed by subscribers; do not repeat the call.
   */
  publish(batches: readonly Batch[]): Promise<void>;
  /**
   * Yields what is published after this resolves. At least `minIntervalMs` pass between frames, and a reader that
   * already waits gets its frame a tenth of that, at most 10 ms, after the first reading in it. The filter, thresholds
   * included, is applied to every value before conflation. Ends when the signal aborts, the reader returns, or the feed
   * is closed; an outage does not end it.
   * @throws AppError `overloaded` when there are too many subscribers
   */
  subscribe(options: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>>;
  /** Resolves if the feed can be reached. */
  ping(): Promise<void>;
}
