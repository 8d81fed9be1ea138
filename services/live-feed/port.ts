/**
 * The live feed: passes readings that were just stored to subscribers. It is lossy by contract: a slow subscriber gets
 * the newest value per GPU and series and the number of values that it missed, and never holds back other subscribers.
 * History comes from the store, not from the live feed. The memory and Redis implementations pass
 * `test/conformance/live-feed.ts`.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { HolderSet } from "../../schema/model/holder.ts";
import type { Series } from "../../schema/model/reading.ts";

export interface LiveReading {
  readonly gpu: GpuUuid;
  readonly host: string;
  readonly series: Series;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** A reading passes if it meets every given condition. For a list, one match is enough. */
export interface LiveFilter {
  readonly gpus?: readonly GpuUuid[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  /** Canonical names; a metric covers all of its series. */
  readonly metrics?: readonly string[] | undefined;
  /** A value passes if it is greater than `above` or less than `below`; without both, every value passes. */
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

const includes = (list: readonly string[] | undefined, value: string | null): boolean =>
  list === undefined || (value !== null && list.includes(value));

/**
 * Returns whether a GPU on this host, with these holders, passes the filter's `hosts` and `namespaces`. Does not check
 * `gpus`; the caller does.
 */
export const passesGpu = ({ hosts, namespaces }: LiveFilter, host: string, holders: HolderSet): boolean =>
  includes(hosts, host) &&
  (namespaces === undefined ||
    holders.some((holder) => holder.kind === "pod" && includes(namespaces, holder.namespace)));

/** Returns whether a canonical metric name passes the filter's `metrics`. */
export const passesMetric = ({ metrics }: LiveFilter, metric: string): boolean => includes(metrics, metric);

/** Returns whether a value passes the filter's thresholds. Call for every value, before conflation. */
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
   * Number of values that are not in `readings`: values that passed the filter and were replaced or dropped before the
   * reader took the frame, plus values lost on the way to this process. A lost value counts even if it would not have
   * passed the filter; a loss of unknown size counts 1. 0 means that certainly nothing was missed. A frame may have no
   * readings and only `missed`.
   */
  readonly missed: number;
}

/** How many readings a frame may have. The values of further series are dropped and counted in `missed`. */
export const MAX_FRAME_READINGS = 100_000;

export interface LiveSubscription {
  /** Default: every reading passes. */
  readonly filter?: LiveFilter;
  /** Minimum time between two frames. */
  readonly minIntervalMs: number;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** Every method throws AppError `unavailable` when the feed cannot be reached, and once it is closed. */
export interface LiveFeed extends AsyncDisposable {
  /**
   * Publishes batches that the store has confirmed. Without subscribers, a call costs next to nothing. Subscribers miss
   * batches that are published while the feed is unavailable; do not repeat the call.
   */
  publish(batches: readonly Batch[]): Promise<void>;
  /**
   * Yields frames of the readings that are published after the call resolves. At least `minIntervalMs` pass between
   * frames. A reader that already waits gets its frame a tenth of `minIntervalMs`, at most 10 ms, after the frame's
   * first reading. The filter, thresholds included, is applied to every value before conflation. Ends when the signal
   * aborts, the reader returns, or the feed is closed; an outage does not end it.
   * @throws AppError `overloaded` if there are too many subscribers
   */
  subscribe(options: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>>;
  /** Resolves if the feed can be reached. */
  ping(): Promise<void>;
}
