/** Reads pages of readings. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { readBucketsAsync } from "../../bucket.ts";
import { answersForMany } from "../../many.ts";
import { type ReadingPage, sizeOfPage, type TelemetryRepository } from "../../port.ts";
import { pageBounds, readPage } from "../../reading-page.ts";
import type { Link } from "../connection/link.ts";
import type { Buckets } from "./buckets.ts";

/** GPUs read concurrently; each takes a connection. */
const ABREAST = 8;
const NOTHING: ReadingPage = { readings: [], next: null };

/**
 * Returns the documents per round trip. A bucket may have one time or hundreds, so a short page starts with few
 * buckets.
 */
const fetchFor = (limit: number): number => Math.min(256, Math.max(4, Math.ceil(limit / 50)));

export function createReadings(
  { call }: Link,
  buckets: Buckets,
  onDiffering: () => void,
): Pick<TelemetryRepository, "readings" | "pages"> {
  const readings: TelemetryRepository["readings"] = async (gpu, window, { order = "newest", signal, ...query }) => {
    const request = { gpu, window, order, ...query };
    const bounds = pageBounds(request);
    if (bounds.from > bounds.to) return NOTHING;
    return call(
      (callSignal) => {
        const reach = { signal: callSignal, fetch: fetchFor(query.limit) };
        const found =
          order === "newest" ? buckets.newestFirst(gpu, bounds, reach) : buckets.oldestFirst(gpu, bounds, reach);
        return readBucketsAsync(readPage(request, onDiffering), found);
      },
      { signal },
    );
  };
  return {
    readings,
    pages(gpus, window, { max, ...query }) {
      const ask = (some: readonly GpuUuid[]) => Promise.all(some.map((gpu) => readings(gpu, window, query)));
      return answersForMany(gpus, ask, sizeOfPage, { slice: ABREAST, max, signal: query.signal });
    },
  };
}
