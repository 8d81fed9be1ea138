/** Chooses the series lists of a GPU that a question about metrics concerns. */
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Database } from "./database.ts";
import type { SeriesLists } from "./series-lists.ts";

/**
 * Returns ids of the GPU's series lists that contain one of the metrics, or undefined if none can be left out. Call
 * inside `database.read`.
 */
export type ListChoice = (gpu: number, metrics: readonly string[] | undefined) => readonly number[] | undefined;

export function createListChoice(database: Database, seriesLists: SeriesLists): ListChoice {
  const listsOf = database.prepare("SELECT list FROM gpu_lists WHERE gpu = ?");
  return (gpu, metrics) => {
    if (metrics === undefined) return undefined;
    const names = new Set(metrics);
    const lists = listsOf.all(gpu).map(([list]) => list as number);
    const asked = (series: Series) => names.has(metricOf(series));
    const chosen = lists.filter((list) => seriesLists.seriesOf(list).some(asked));
    return chosen.length === lists.length ? undefined : chosen;
  };
}
