/** Counts the readings in a store. */
import { MongoClient } from "mongodb";
import { ALL_TIME } from "../../schema/model/window.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository } from "../../services/repository/open.ts";

const PAGE = 10_000;

/** Counts by reading all pages, so that only queryable readings count. */
export async function countInSqlite(path: string): Promise<number> {
  const parts = { clock: systemClock, log: silentLogger };
  await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
  let count = 0;
  const { gpus } = await repository.gpus({ limit: PAGE });
  for (const { uuid } of gpus) {
    let page = await repository.readings(uuid, ALL_TIME, { limit: PAGE });
    for (;;) {
      count += page.readings.length;
      if (page.next === null) break;
      page = await repository.readings(uuid, ALL_TIME, { limit: PAGE, after: page.next });
    }
  }
  return count;
}

/** Counts document by document: a server without indexes would scan the whole collection for each GPU. */
export async function countInMongo(uri: string, database: string): Promise<number> {
  await using client = new MongoClient(uri);
  let count = 0;
  for await (const { series } of client.db(database).collection("telemetry_points").find()) {
    for (const column of Object.values(series as Record<string, readonly (number | null)[]>)) {
      for (const value of column) if (value !== null) count++;
    }
  }
  return count;
}
