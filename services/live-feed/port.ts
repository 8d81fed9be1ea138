/**
 * The live feed: what was just stored, to whoever is watching. Lossy by contract: a slow subscriber is conflated
 * (newest value per GPU and series), told how many values it missed, and never holds back others. History comes from
 * the store, never from here. Memory and Redis implementations pass `test/conformance/live-feed.ts`.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";

export interface LiveReading {
  readonly gpu: GpuUuid;
  readonly host: string;
  readonly series: Series;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** All given conditions hold together; within a list any one does. `metrics` are canonical names. */
export interface LiveFilter {
  readonly gpus?: readonly GpuUuid[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  readonly metrics?: readonly string[] | undefined;
  /** Only values strictly above / below; both given: outside of the span between them counts (above OR below). */
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

export interface LiveFrame {
  /** Newest value per GPU and series since the last frame that passed the filter; at most `MAX_FRAME_READINGS`. */
  readonly readings: readonly LiveReading[];
  /**
   * Values that passed the filter and were replaced or dropped before this frame could be taken, and those lost on the
   * way to this process: nobody can say of them whether they would have passed, so all values that the lost messages
   * held count, and 1 where it is not known that there were any. 0: nothing was missed, for certain. A frame may come
   * for what was missed alone.
   */
  readonly missed: number;
}

export const MAX_FRAME_READINGS = 100_000;

export interface LiveSubscription {
  readonly filter?: LiveFilter;
  readonly minIntervalMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Every method rejects with AppError `unavailable` when the feed is away, and once it is closed. */
export interface LiveFeed extends AsyncDisposable {
  /**
   * Call after the store said yes. Costs next to nothing when nobody watches. What is told while the feed is away is
   * lost to it: repeating the call is not expected.
   */
  publish(batches: readonly Batch[]): Promise<void>;
  /**
   * What is published from now on: the subscription is in place when this resolves. Frames come no faster than
   * `minIntervalMs`, and a tenth of it, 10 ms at most, after the first reading in them. The filter, thresholds too, is judged on every value before conflation. Ends when the signal
   * aborts, the consumer returns, or the feed is closed; an outage does not end it.
   * @throws AppError `overloaded` when there are too many subscribers
   */
  subscribe(options: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>>;
  /** Resolves while the feed can be reached. */
  ping(): Promise<void>;
}
