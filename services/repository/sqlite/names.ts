/** Lists the names that have been stored. */
import { setImmediate } from "node:timers/promises";
import type { NameKind, NameQuery } from "../../../schema/model/known-names.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { NameRepository } from "../port.ts";
import type { Database } from "./database.ts";
import { SEPARATOR } from "./series-lists.ts";

/** Lists of series read in one snapshot, which takes a few milliseconds. */
const LISTS_SLICE = 200;
/** Greater than every text that continues `startsWith`. */
const LAST = "\u{10ffff}";

/** Jumps from name to name in an index that begins with the column: the cost depends on the names, not on the rows. */
const fromIndex = (table: string, column: string): string => `
  WITH RECURSIVE found(name) AS (
    SELECT min(${column}) FROM ${table} WHERE ${column} > '' AND ${column} >= ?1 AND ${column} < ?2
    UNION ALL
    SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > found.name AND ${column} < ?2)
    FROM found WHERE found.name IS NOT NULL
  ) SELECT name FROM found WHERE name IS NOT NULL LIMIT ?3`;

const QUERIES: Readonly<Record<Exclude<NameKind, "metric">, readonly string[]>> = {
  hostname: [fromIndex("stays", "host"), fromIndex("gpus", "host")],
  model: [
    "SELECT DISTINCT model FROM gpus WHERE model > '' AND model >= ?1 AND model < ?2 AND is_present = 1 ORDER BY model LIMIT ?3",
  ],
  namespace: [fromIndex("holders", "namespace")],
  pod: [fromIndex("holders", "pod")],
  job: [fromIndex("holders", "job")],
};

export function createNames(database: Database): NameRepository["names"] {
  const lists = database.prepare("SELECT id, names FROM series_lists WHERE id > ? ORDER BY id LIMIT ?");
  /** Of the lists up to `lastList`. Lists are never changed or dropped. */
  const metrics = new Set<string>();
  let lastList = 0;

  /** Adds the metrics of the next lists. Returns false after the last one. */
  const readSlice = (): boolean => {
    const rows = lists.all(lastList, LISTS_SLICE) as [number, string][];
    for (const [id, names] of rows) {
      for (const series of names.split(SEPARATOR)) metrics.add(metricOf(series as Series));
      lastList = id;
    }
    return rows.length === LISTS_SLICE;
  };

  const metricNames = async ({ startsWith = "", limit, signal }: NameQuery): Promise<readonly string[]> => {
    while (await database.read(readSlice, { signal })) await setImmediate();
    return [...metrics]
      .filter((name) => name.startsWith(startsWith))
      .sort()
      .slice(0, limit);
  };

  return async (kind, query) => {
    if (kind === "metric") return metricNames(query);
    const { startsWith = "", limit } = query;
    return database.read(() => {
      const rows = QUERIES[kind].flatMap((sql) => database.prepare(sql).all(startsWith, startsWith + LAST, limit));
      return [...new Set(rows.map(([name]) => name as string))].sort().slice(0, limit);
    }, query);
  };
}
