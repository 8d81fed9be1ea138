/**
 * Gives each list of series an id, so that a bucket refers to its list in a byte or two. Lists are never changed or
 * dropped.
 */
import type { Series } from "../../../schema/model/reading.ts";
import type { Database } from "./database.ts";

export const SEPARATOR = "\n";

export interface SeriesLists {
  /** Adds the list if it is new. Call inside a write. */
  idOf(series: readonly Series[]): number;
  /** Returns the same array for the same list. */
  seriesOf(id: number): readonly Series[];
  /** Call after a write that failed, because the lists that it added were rolled back. */
  forget(): void;
}

export function createSeriesLists(database: Database): SeriesLists {
  const ids = new Map<string, number>();
  const lists = new Map<number, readonly Series[]>();
  const find = database.prepare("SELECT id FROM series_lists WHERE names = ?");
  const add = database.prepare("INSERT INTO series_lists (names) VALUES (?)");
  const load = database.prepare("SELECT names FROM series_lists WHERE id = ?");
  return {
    idOf(series) {
      const names = series.join(SEPARATOR);
      let id = ids.get(names);
      if (id === undefined) {
        id = (find.get(names)?.[0] as number | undefined) ?? Number(add.run(names).lastInsertRowid);
        ids.set(names, id);
      }
      return id;
    },
    seriesOf(id) {
      let series = lists.get(id);
      if (series === undefined) {
        const [names] = load.get(id) as readonly [string];
        series = names.split(SEPARATOR) as Series[];
        lists.set(id, series);
      }
      return series;
    },
    forget() {
      ids.clear();
      lists.clear();
    },
  };
}
