/** Pages of readings: as many buckets as a page needs. */
import { readBucketsAsync } from "../bucket.ts";
import type { ReadingPage, TelemetryRepository } from "../port.ts";
import { pageBounds, readPage } from "../reading-page.ts";
import type { Buckets } from "./buckets.ts";
import type { Link } from "./link.ts";

const NOTHING: ReadingPage = { readings: [], next: null };

/** Buckets hold one tick or hundreds: few at first for a short page, bounded for a long one. */
const fetchFor = (limit: number): number => Math.min(256, Math.max(4, Math.ceil(limit / 50)));

export function createReadings(
  { call }: Link,
  buckets: Buckets,
  onDiffering: () => void,
): TelemetryRepository["readings"] {
  return async (gpu, window, { order = "newest", signal, ...query }) => {
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
}
