/**
 * Expires old buckets, a bounded number per call. SQLite reuses their space; the last call returns some of it to the
 * disk.
 */
import type { TelemetryRepository } from "../port.ts";
import type { Database } from "./database.ts";
import type { EarlierAttributions } from "./earlier-attributions.ts";
import type { StaleGpus } from "./stale-gpus.ts";

/** How many buckets a call drops at most, which takes a few ms. */
const EXPIRE_MAX = 1000;
/** How many free pages the last call returns to the file system at most. */
const VACUUM_PAGES = 1000;

/** @param settle derives holds that do not follow from the readings yet: afterwards it is too late */
export function createExpire(
  database: Database,
  { earlier, stale, settle }: { earlier: EarlierAttributions; stale: StaleGpus; settle: () => Promise<void> },
): TelemetryRepository["expire"] {
  // Per GPU, oldest first: the newest bucket of a series is never dropped before older ones.
  const old = database.prepare(
    `SELECT gpu, last_at, hash, columns FROM gpus CROSS JOIN buckets ON gpu = gpus.id AND last_at < ?
     LIMIT ${EXPIRE_MAX}`,
  );
  const dropBucket = database.prepare("DELETE FROM buckets WHERE gpu = ? AND last_at = ? AND hash = ?");
  const dropColumns = database.prepare("DELETE FROM columns WHERE id = ?");
  const vacuum = database.prepare(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
  return async (before) => {
    await settle();
    return database.write(() => {
      stale.noteExpiry(before);
      const rows = old.all(before);
      for (const [gpu, lastAt, hash, columns] of rows) {
        dropBucket.run(gpu as number, lastAt as number, hash as number);
        dropColumns.run(columns as number);
      }
      if (rows.length === 0) {
        earlier.expire(before);
        vacuum.all();
      }
      return rows.length;
    });
  };
}
