/** Numbered steps that create the tables; `user_version` is the number of steps applied to a file. See FORMATS.md. */

/** "GTPs": marks a SQLite file as this program's. */
export const APPLICATION_ID = 0x47545073;

/** Released steps never change: add a step instead. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE gpus (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    place INTEGER NOT NULL, -- the index as a number, for order
    "index" TEXT NOT NULL,
    device TEXT NOT NULL,
    model TEXT NOT NULL,
    driver TEXT,
    container TEXT,
    pod TEXT,
    namespace TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX gpus_in_order ON gpus (host, place, uuid);

  -- One row per distinct list of series; names in ascending order, joined by line feeds.
  CREATE TABLE series_lists (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE) STRICT;

  -- What queries need of a bucket before it is unpacked. First time: last_at - span. hash: 48 bits of the block hash.
  CREATE TABLE buckets (
    gpu INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    span INTEGER NOT NULL,
    list INTEGER NOT NULL,
    columns INTEGER NOT NULL,
    PRIMARY KEY (gpu, last_at, hash)
  ) STRICT, WITHOUT ROWID;

  -- Ids in order of arrival, so that a save appends.
  CREATE TABLE columns (id INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT;

  -- Lists of series of each GPU, and the newest hour with a bucket of each list.
  CREATE TABLE gpu_lists (
    gpu INTEGER NOT NULL,
    list INTEGER NOT NULL,
    newest_hour INTEGER NOT NULL,
    PRIMARY KEY (gpu, list)
  ) STRICT, WITHOUT ROWID;

  -- Intervals of one GPU never overlap. All three null: nobody.
  CREATE TABLE attributions (
    gpu INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    namespace TEXT,
    pod TEXT,
    container TEXT,
    PRIMARY KEY (gpu, first_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE positions (
    producer TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    position TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];
