/** Helpers that the parts of the live feed's conformance suite share. */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { LiveFeed, LiveFilter, LiveFrame, LiveReading } from "../../../services/live-feed/port.ts";
import { batchOfReadings, NOON, uuidOf, type WrittenReading } from "../../support/collector/batches.ts";

export interface LiveFeedUnderTest extends AsyncDisposable {
  readonly feed: LiveFeed;
  /** Publishes, and resolves once every subscriber has received the batches. */
  publish(...batches: readonly Batch[]): Promise<void>;
  /** Moves the feed's time forward. */
  advance(ms: number): Promise<void>;
}

/** `maxSubscribers` 1,000 by default. */
export type OpenLiveFeed = (options?: { maxSubscribers?: number }) => Promise<LiveFeedUnderTest>;

export const TEMP = "DCGM_FI_DEV_GPU_TEMP";
export const POWER = "DCGM_FI_DEV_POWER_USAGE";

/** The frame's reading for a written one. */
export const live = ({ gpu = 1, host = "host-1", series = TEMP, after = 0, value }: WrittenReading): LiveReading =>
  ({ gpu: uuidOf(gpu), host, series, at: NOON + after, value }) as LiveReading;

export const watch = (
  bench: LiveFeedUnderTest,
  {
    filter = {},
    minIntervalMs = 0,
    signal,
  }: { filter?: LiveFilter; minIntervalMs?: number; signal?: AbortSignal } = {},
): Promise<AsyncIterableIterator<LiveFrame>> => bench.feed.subscribe({ filter, minIntervalMs, signal });

export const publish = (bench: LiveFeedUnderTest, ...readings: readonly WrittenReading[]): Promise<void> =>
  bench.publish(batchOfReadings(readings));

/** The next frame, its readings in order of GPU, series and time. */
export async function frame(frames: AsyncIterator<LiveFrame>): Promise<LiveFrame> {
  const { done, value } = await frames.next();
  if (done) throw new Error("the subscription has ended");
  const key = ({ gpu, series, at }: LiveReading) => `${gpu} ${series} ${at}`;
  return { ...value, readings: [...value.readings].sort((a, b) => (key(a) < key(b) ? -1 : 1)) };
}

export const values = async (frames: AsyncIterator<LiveFrame>): Promise<number[]> =>
  (await frame(frames)).readings.map(({ value }) => value);
