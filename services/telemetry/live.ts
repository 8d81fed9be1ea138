/** What a watcher sees: first the newest readings of the store, then what is stored from then on. */
import type { Gpu, GpuUuid } from "../../schema/model/gpu.ts";
import {
  type LiveFeed,
  type LiveFilter,
  type LiveFrame,
  type LiveReading,
  passesGpu,
  passesValue,
} from "../live-feed/port.ts";
import type { GpuCursor, GpuRepository, TelemetryRepository } from "../repository/port.ts";

/** A large fleet's snapshot comes as several frames of this many GPUs, so that memory stays bounded. */
const SNAPSHOT_GPUS = 500;

type Store = Pick<GpuRepository, "gpus" | "gpusByUuid"> & Pick<TelemetryRepository, "latest">;

/** Pages of the GPUs that the filter is about. */
async function* matchingGpus(store: Store, filter: LiveFilter, signal: AbortSignal): AsyncGenerator<readonly Gpu[]> {
  const matches = (gpu: Gpu) => passesGpu(filter, gpu);
  if (filter.gpus !== undefined) {
    for (let start = 0; start < filter.gpus.length; start += SNAPSHOT_GPUS) {
      const uuids = filter.gpus.slice(start, start + SNAPSHOT_GPUS);
      yield (await store.gpusByUuid(uuids, { signal })).filter(matches);
    }
    return;
  }
  let after: GpuCursor | undefined;
  do {
    const page = await store.gpus({ limit: SNAPSHOT_GPUS, after, signal });
    yield page.gpus.filter(matches);
    after = page.next ?? undefined;
  } while (after !== undefined);
}

interface Watch {
  readonly filter: LiveFilter;
  readonly minIntervalMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The watcher was cut off from an earlier one: the first frame says that something may have been missed. */
  readonly resumed?: boolean | undefined;
  /** Ends with the last snapshot frame. */
  readonly snapshotOnly?: boolean | undefined;
}

async function* snapshot(
  store: Store,
  { filter, resumed }: Pick<Watch, "filter" | "resumed">,
  signal: AbortSignal,
): AsyncGenerator<LiveFrame> {
  let told = false;
  let missed = resumed ? 1 : 0;
  for await (const gpus of matchingGpus(store, filter, signal)) {
    if (gpus.length === 0) continue;
    const hosts = new Map<GpuUuid, string>(gpus.map((gpu) => [gpu.uuid, gpu.host]));
    const latest = await store.latest([...hosts.keys()], { metrics: filter.metrics, signal });
    const readings: LiveReading[] = [];
    for (const [gpu, newest] of latest) {
      const host = hosts.get(gpu);
      if (host === undefined) continue;
      for (const { series, at, value } of newest) {
        if (passesValue(filter, value)) readings.push({ gpu, host, series, at, value });
      }
    }
    told = true;
    yield { readings, missed };
    missed = 0;
  }
  if (!told) yield { readings: [], missed };
}

/**
 * At least one snapshot frame, then live frames. The feed is subscribed to before the store is asked, so nothing
 * falls between; a reading may therefore be told twice, and around the seam an older one after a newer one: the
 * newest `at` of a series is the one that counts. Returning ends it at once, also while it waits.
 * @throws AppError as the feed's `subscribe`
 */
export async function watch(
  store: Store,
  feed: LiveFeed,
  { filter, minIntervalMs, signal, resumed, snapshotOnly = false }: Watch,
): Promise<AsyncIterableIterator<LiveFrame>> {
  const ended = new AbortController();
  const stop = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
  const live = snapshotOnly ? null : await feed.subscribe({ filter, minIntervalMs, signal: stop });
  const first = snapshot(store, { filter, resumed }, stop);
  let seam = false;
  const end = async (): Promise<IteratorResult<LiveFrame>> => {
    ended.abort();
    await live?.return?.();
    return { done: true, value: undefined };
  };
  const frames: AsyncIterableIterator<LiveFrame> = {
    async next() {
      if (stop.aborted) return end();
      if (!seam) {
        try {
          const frame = await first.next();
          if (!frame.done) return frame;
          seam = true;
        } catch (error) {
          // A watcher that leaves stops the store's call: nobody waits for it, and nothing is wrong.
          const hasLeft = stop.aborted;
          await end();
          if (hasLeft) return { done: true, value: undefined };
          throw error;
        }
      }
      return live === null ? end() : live.next();
    },
    return: end,
    async throw(error) {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return frames;
    },
  };
  return frames;
}
