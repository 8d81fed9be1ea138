/** Pages of readings out of the file. */
import type { Series } from "../../../schema/reading.ts";
import { metricOf } from "../../../schema/series.ts";
import { readBuckets } from "../bucket.ts";
import type { ReadingPage, TelemetryRepository } from "../port.ts";
import { pageBounds, readPage } from "../reading-page.ts";
import type { Buckets } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { SeriesLists } from "./series-lists.ts";

const NOTHING: ReadingPage = { readings: [], next: null };

export function createReadings(
  database: Database,
  seriesLists: SeriesLists,
  buckets: Buckets,
  onDiffering: () => void,
): TelemetryRepository["readings"] {
  const find = database.prepare("SELECT id FROM gpus WHERE uuid = ?");
  const listsOf = database.prepare("SELECT list FROM gpu_lists WHERE gpu = ?");

  /** Lists with a metric asked for; undefined: all of the GPU's. */
  const chooseLists = (gpu: number, metrics: readonly string[] | undefined): readonly number[] | undefined => {
    if (metrics === undefined) return undefined;
    const names = new Set(metrics);
    const lists = listsOf.all(gpu).map(([list]) => list as number);
    const asked = (series: Series) => names.has(metricOf(series));
    const chosen = lists.filter((list) => seriesLists.seriesOf(list).some(asked));
    return chosen.length === lists.length ? undefined : chosen;
  };

  return (uuid, window, { order = "newest", signal, ...query }) =>
    database.read(
      () => {
        const id = find.get(uuid)?.[0] as number | undefined;
        if (id === undefined) return NOTHING;
        const request = { gpu: uuid, window, order, ...query };
        const bounds = pageBounds(request);
        const lists = chooseLists(id, query.metrics);
        if (bounds.from > bounds.to || lists?.length === 0) return NOTHING;
        const gpu = { id, uuid };
        const found =
          order === "newest" ? buckets.newestFirst(gpu, bounds, lists) : buckets.oldestFirst(gpu, bounds, lists);
        return readBuckets(readPage(request, onDiffering), found);
      },
      { signal },
    );
}
