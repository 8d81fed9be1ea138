/** Creates the collections and their indexes. FORMATS.md lists the query that each index serves. */
import { type IndexDescription, MongoServerError } from "mongodb";
import type { Logger } from "../../platform/process/logger.ts";
import type { Link } from "./connection/link.ts";
import { type Collections, collectionsOf } from "./documents.ts";

/** Building an index of a large collection may take longer; the server then continues on its own. */
const BUILD_LIMIT_MS = 30_000;

export const INDEXES = {
  points: [
    // Readings newest first, latest readings: buckets of a GPU by their end.
    { key: { gpu: 1, to: -1 } },
    // Readings oldest first, the reading after an interval that was cut: buckets of a GPU by their start.
    { key: { gpu: 1, from: 1 } },
  ],
  // The inventory in order, the GPUs of one host.
  gpus: [{ key: { "seen.host": 1, "seen.place": 1, _id: 1 } }],
  attributions: [
    // Intervals of a GPU within a window.
    { key: { gpu: 1, from: 1 } },
    // Revisions of a day, for its writers.
    { key: { day: 1 } },
  ],
} as const satisfies Partial<Record<keyof Collections, readonly IndexDescription[]>>;

const EXISTS = 48;
const NO_SUCH_INDEX = 27;
const CONFLICT: readonly unknown[] = [85, 86];
const NO_SUCH_COLLECTION = 26;

const isRefusal = (error: unknown): error is MongoServerError => error instanceof MongoServerError;

export interface Indexes {
  /** Creates missing collections and indexes. */
  create(): Promise<void>;
  /** Call before the first write: creates, changes or drops the TTL indexes to match the retention. */
  applyRetention(): Promise<void>;
}

export function createIndexes(
  { db, call }: Pick<Link, "db" | "call">,
  { retentionMs, log }: { retentionMs: number; log: Logger },
): Indexes {
  const collections = collectionsOf(db);
  let hasTtl = true;

  const createPoints = async (): Promise<void> => {
    const { collectionName } = collections.points;
    try {
      const configString = "block_compressor=zstd";
      await db.createCollection(collectionName, { storageEngine: { wiredTiger: { configString } } });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code !== EXISTS) log.info("zstd unavailable, default compression used", { reason: error.message });
    }
  };

  const expireAfter = async (name: "points" | "attributions"): Promise<void> => {
    const collection = collections[name];
    const expireAfterSeconds = Math.ceil(retentionMs / 1000);
    try {
      await collection.createIndex({ to: 1 }, { expireAfterSeconds });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (CONFLICT.includes(error.code)) {
        await collection.dropIndex("to_1");
        await collection.createIndex({ to: 1 }, { expireAfterSeconds });
        return;
      }
      // Serves the search for expired documents.
      await collection.createIndex({ to: 1 });
      if (hasTtl) log.info("TTL index unavailable, expiry by delete used", { reason: error.message });
      hasTtl = false;
    }
  };

  const keepForever = async (name: "points" | "attributions"): Promise<void> => {
    try {
      const indexes = await collections[name].listIndexes().toArray();
      if (indexes.some((index) => index.name === "to_1")) await collections[name].dropIndex("to_1");
    } catch (error) {
      // The index is gone already, dropped by another process.
      if (!isRefusal(error) || (error.code !== NO_SUCH_INDEX && error.code !== NO_SUCH_COLLECTION)) throw error;
    }
  };

  return {
    create: () =>
      call(
        async () => {
          await createPoints();
          for (const [name, indexes] of Object.entries(INDEXES)) {
            // One per command: FerretDB 1.24 closes the connection when several of them exist already.
            for (const index of indexes) await collections[name as keyof typeof INDEXES].createIndexes([index]);
          }
        },
        { limitMs: BUILD_LIMIT_MS },
      ),
    applyRetention: () =>
      call(
        async () => {
          for (const name of ["points", "attributions"] as const) {
            await (retentionMs > 0 ? expireAfter(name) : keepForever(name));
          }
        },
        { limitMs: BUILD_LIMIT_MS },
      ),
  };
}
