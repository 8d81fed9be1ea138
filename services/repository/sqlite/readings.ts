/** Reads pages of readings. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import { readBuckets } from "../bucket.ts";
import { answersForMany } from "../many.ts";
import { type ReadingPage, type ReadingQuery, sizeOfPage, type TelemetryRepository } from "../port.ts";
import { pageBounds, readPage } from "../reading-page.ts";
import type { Buckets } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { ListChoice } from "./list-choice.ts";

/** Number of GPUs read in one snapshot. */
const SLICE = 8;
const NOTHING: ReadingPage = { readings: [], next: null };

export function createReadings(
  database: Database,
  buckets: Buckets,
  { listChoice, onDiffering }: { listChoice: ListChoice; onDiffering: () => void },
): Pick<TelemetryRepository, "readings" | "pages"> {
  const find = database.prepare("SELECT id FROM gpus WHERE uuid = ?");

  /** Call inside `database.read`. */
  const pageOf = (uuid: GpuUuid, window: Window, { order = "newest", ...query }: ReadingQuery): ReadingPage => {
    const id = find.get(uuid)?.[0] as number | undefined;
    if (id === undefined) return NOTHING;
    const request = { gpu: uuid, window, order, ...query };
    const bounds = pageBounds(request);
    const lists = listChoice(id, query.metrics);
    if (bounds.from > bounds.to || lists?.length === 0) return NOTHING;
    const gpu = { id, uuid };
    const found =
      order === "newest" ? buckets.newestFirst(gpu, bounds, lists) : buckets.oldestFirst(gpu, bounds, lists);
    return readBuckets(readPage(request, onDiffering), found);
  };

  return {
    readings: (uuid, window, query) => database.read(() => pageOf(uuid, window, query), query),
    pages: (uuids, window, { max, ...query }) => {
      const ask = (some: readonly GpuUuid[]) =>
        database.read(() => some.map((uuid) => pageOf(uuid, window, query)), query);
      return answersForMany(uuids, ask, sizeOfPage, { slice: SLICE, max, signal: query.signal });
    },
  };
}
