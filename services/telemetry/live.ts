/** Makes the frames of one subscription: a snapshot of the newest stored readings, then the live feed. */
import type { Gpu, GpuUuid } from "../../schema/model/gpu.ts";
import { notesOnUnknown } from "../../schema/model/known-names.ts";
import {
  type LiveFeed,
  type LiveFilter,
  type LiveFrame,
  type LiveReading,
  passesGpu,
  passesValue,
} from "../live-feed/port.ts";
import type { GpuCursor, GpuRepository, NameRepository, TelemetryRepository } from "../repository/port.ts";

/** How many GPUs a snapshot frame may contain. A large fleet's snapshot has several frames, which bounds the memory. */
const SNAPSHOT_GPUS = 500;

type Store = Pick<GpuRepository, "gpus" | "gpusByUuid"> & Pick<TelemetryRepository, "latest"> & NameRepository;

/** A frame of the live feed or the snapshot. */
export interface Frame extends LiveFrame {
  /** What the filter names and nothing has ever had. Only in an empty snapshot. */
  readonly notes?: readonly string[];
}

/** Yields the GPUs that the filter passes, page by page. */
async function* matchingGpus(store: Store, filter: LiveFilter, signal: AbortSignal): AsyncGenerator<readonly Gpu[]> {
  const matches = (gpu: Gpu) => passesGpu(filter, gpu.host, gpu.holders);
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
  /** Minimum time between two live frames. */
  readonly minIntervalMs: number;
  readonly signal?: AbortSignal | undefined;
  /** True if the client had this subscription before and lost it. The first frame then has `missed: 1`. */
  readonly resumed?: boolean | undefined;
  /** Whether the subscription ends after the snapshot. Default: false. */
  readonly snapshotOnly?: boolean | undefined;
}

async function* snapshot(
  store: Store,
  { filter, resumed }: Pick<Watch, "filter" | "resumed">,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  let hasFrame = false;
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
    hasFrame = true;
    yield { readings, missed };
    missed = 0;
  }
  if (hasFrame) return;
  const asked = { hostname: filter.hosts ?? [], namespace: filter.namespaces ?? [] };
  const notes = await notesOnUnknown(asked, (kind, query) => store.names(kind, query), signal);
  yield { readings: [], missed, notes };
}

/**
 * Yields at least one snapshot frame, then live frames. `watch` subscribes to the feed before it reads the store, so no
 * reading is lost between the two. A reading may come twice, however, and an older one may follow a newer one. Readers
 * keep the reading with the newest `at` of each series.
 *
 * `return()` ends the frames at once, even while `next()` waits. An async generator would finish its `next()` first.
 * @throws AppError as `subscribe` of the feed does
 */
export async function watch(
  store: Store,
  feed: LiveFeed,
  { filter, minIntervalMs, signal, resumed, snapshotOnly = false }: Watch,
): Promise<AsyncIterableIterator<Frame>> {
  const ended = new AbortController();
  const stop = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
  const live = snapshotOnly ? null : await feed.subscribe({ filter, minIntervalMs, signal: stop });
  const first = snapshot(store, { filter, resumed }, stop);
  let isLive = false;
  const end = async (): Promise<IteratorResult<Frame>> => {
    ended.abort();
    await live?.return?.();
    return { done: true, value: undefined };
  };
  const frames: AsyncIterableIterator<Frame> = {
    async next() {
      if (stop.aborted) return end();
      if (!isLive) {
        try {
          const frame = await first.next();
          if (!frame.done) return frame;
          isLive = true;
        } catch (error) {
          // A client that leaves aborts the store's call, which is not an error.
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
