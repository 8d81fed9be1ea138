/** Interns lists of series with their field names, because many buckets share one list. */
import type { Series } from "../../../../schema/model/reading.ts";
import { fieldOf } from "./field-names.ts";

export interface SeriesList {
  /** In ascending order. */
  readonly series: readonly Series[];
  readonly fields: readonly string[];
}

/** How many lists to remember. A fleet has few lists, and a source that invents series must not grow the memory. */
const KNOWN_MAX = 10_000;

export interface SeriesLists {
  of(series: readonly Series[]): SeriesList;
}

export function createSeriesLists(): SeriesLists {
  const known = new Map<string, SeriesList>();
  return {
    of(series) {
      const key = series.join("\n");
      let list = known.get(key);
      if (list === undefined) {
        if (known.size === KNOWN_MAX) known.clear();
        list = { series, fields: series.map(fieldOf) };
        known.set(key, list);
      }
      return list;
    },
  };
}
