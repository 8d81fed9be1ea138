/** Opens MongoDB stores on a database of the test's own. */
import { type Db, MongoClient } from "mongodb";
import type { Clock } from "../../../services/platform/process/clock.ts";
import type { Format } from "../../../services/platform/process/format.ts";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository, type RepositoryConfig } from "../../../services/repository/open.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { randomDatabase } from "../servers/mongo-server.ts";
import { ManualClock } from "../time/manual-clock.ts";

export interface StoreOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly retentionMs?: number;
  /** Default: 2. */
  readonly format?: Format;
}

/** A database that stores open as several processes would, and that the test can inspect. It is dropped at the end. */
export interface SharedDatabase extends AsyncDisposable {
  readonly db: Db;
  readonly config: RepositoryConfig;
  open(options?: StoreOptions): Promise<Repository>;
}

export function openDatabase(url: string): SharedDatabase {
  const client = new MongoClient(url);
  const database = randomDatabase();
  const db = client.db(database);
  const config = { kind: "mongodb", url, database, poolSize: 5, retentionMs: 0, format: 2 } as const;
  return {
    db,
    config,
    open: ({ clock = new ManualClock(), log = silentLogger, retentionMs = 0, format = 2 } = {}) =>
      openRepository({ ...config, retentionMs, format }, { clock, log }),
    [Symbol.asyncDispose]: async () => {
      await db.dropDatabase();
      await client.close();
    },
  };
}
