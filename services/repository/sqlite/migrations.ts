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
  // Holds, instances and placements. `attributions` stays: it is the evidence of buckets stored before.
  `
  ALTER TABLE gpus DROP COLUMN container;
  ALTER TABLE gpus DROP COLUMN pod;
  ALTER TABLE gpus DROP COLUMN namespace;
  ALTER TABLE gpus ADD COLUMN pci_bus_id TEXT;
  ALTER TABLE gpus ADD COLUMN labels TEXT;
  -- 0: all readings are later than the present.
  ALTER TABLE gpus ADD COLUMN is_present INTEGER NOT NULL DEFAULT 1;
  -- Holds from this time on do not follow from the stored readings yet.
  ALTER TABLE gpus ADD COLUMN stale_from INTEGER;
  CREATE INDEX gpus_stale ON gpus (id) WHERE stale_from IS NOT NULL;

  CREATE TABLE instances (
    gpu INTEGER NOT NULL,
    instance TEXT NOT NULL,
    profile TEXT,
    profile_at INTEGER,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (gpu, instance)
  ) STRICT, WITHOUT ROWID;

  -- Stays of one GPU never overlap.
  CREATE TABLE stays (
    gpu INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    host TEXT NOT NULL,
    "index" TEXT NOT NULL,
    PRIMARY KEY (gpu, first_at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX stays_of_host ON stays (host, "index", first_at, gpu, last_at);

  -- Sightings later than the present, until their time comes.
  CREATE TABLE sightings_ahead (
    gpu INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (first_at, gpu, last_at, facts)
  ) STRICT, WITHOUT ROWID;

  -- namespace, pod, job: empty where the holder has no such part. form: 1 is a job, 2 a pod whose namespace is empty and
  -- not missing, 4 one whose name is.
  CREATE TABLE holders (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    pod TEXT NOT NULL,
    container TEXT,
    pod_uid TEXT,
    job TEXT NOT NULL,
    form INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX holders_in_order ON holders (namespace, pod, job);
  CREATE INDEX holders_of_pod ON holders (pod);
  CREATE INDEX holders_of_job ON holders (job) WHERE job != '';

  -- instance: empty for the card.
  CREATE TABLE holds (
    gpu INTEGER NOT NULL,
    instance TEXT NOT NULL,
    holder INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    ended INTEGER, -- time of the reading that ended the hold
    usual_ms REAL NOT NULL, -- longest usual interval; -1: not known since the hold was extended
    PRIMARY KEY (gpu, first_at, instance, holder)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_of_holder ON holds (holder);
  CREATE INDEX holds_not_ended ON holds (gpu) WHERE ended IS NULL;

  -- One row per distinct evidence. text: see FORMATS.md. hash: 48 bits of its hash, for an index without texts.
  CREATE TABLE evidence (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE INDEX evidence_of_hash ON evidence (hash);
  -- 0: no row named a holder; -1: stored by version 1.
  ALTER TABLE buckets ADD COLUMN evidence INTEGER NOT NULL DEFAULT -1;

  -- Readings before this time have expired.
  CREATE TABLE expired (before INTEGER NOT NULL) STRICT;
  INSERT INTO expired VALUES (-8640000000000000);

  INSERT INTO stays (gpu, first_at, last_at, host, "index")
    SELECT id, first_seen, last_seen, host, "index" FROM gpus WHERE host != '';

  INSERT INTO holders (namespace, pod, container, job, form)
    SELECT DISTINCT ifnull(namespace, ''), ifnull(pod, ''), container, '', (namespace IS '') * 2 + (pod IS '') * 4
    FROM attributions
    WHERE NOT (namespace IS NULL AND pod IS NULL AND container IS NULL);
  INSERT INTO holds (gpu, instance, holder, first_at, last_at, ended, usual_ms)
    SELECT gpu, '', holders.id, first_at, last_at,
      (SELECT min(later.first_at) FROM attributions AS later
       WHERE later.gpu = attributions.gpu AND later.first_at > attributions.first_at), -1
    FROM attributions JOIN gpus ON gpus.id = gpu
      JOIN holders ON holders.namespace = ifnull(attributions.namespace, '') AND holders.pod = ifnull(attributions.pod, '')
        AND holders.container IS attributions.container
        AND form = (attributions.namespace IS '') * 2 + (attributions.pod IS '') * 4;
  `,
];
