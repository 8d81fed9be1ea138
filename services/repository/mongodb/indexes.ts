/** Creates the collections and their indexes. FORMATS.md lists the query that each index serves. */
import { type IndexDescription, MongoServerError } from "mongodb";
import type { Logger } from "../../platform/process/logger.ts";
import type { Link } from "./connection/link.ts";
import { type Collections, collectionsOf } from "./documents.ts";

/** How long to wait for an index. If building it takes longer, the server continues on its own. */
const BUILD_LIMIT_MS = 30_000;

export const INDEXES = {
  points: [
    // Serves readings newest first and latest readings: buckets of a GPU by their end.
    { key: { gpu: 1, to: -1 } },
    // Serves readings oldest first and the first reading after a cut interval: buckets of a GPU by their start.
    { key: { gpu: 1, from: 1 } },
  ],
  // Serves the inventory in order, and the GPUs of one host.
  gpus: [{ key: { "seen.host": 1, "seen.place": 1, _id: 1 } }],
  holds: [
    // Serves the open holds of GPUs, and those that a recompute may change.
    { key: { gpu: 1, ended: 1 } },
    // Serves the holds of GPUs within a window.
    { key: { gpu: 1, from: 1 } },
    // Serve workloads in order, and the GPUs that a namespace, a pod or a job holds.
    { key: { namespace: 1, pod: 1, job: 1 } },
    { key: { pod: 1 } },
    { key: { job: 1 } },
  ],
  // Serve the revisions that version 1 has written and version 2 has not taken over, and all days of a GPU.
  attributions: [{ key: { taken: 1 } }, { key: { gpu: 1, from: 1 } }],
  stays: [
    // Serves the stays of a GPU, oldest first.
    { key: { gpu: 1, from: 1 } },
    // Serves the GPUs that have been in a host.
    { key: { host: 1, gpu: 1 } },
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
  /** Call before the first write: creates, changes or drops the TTL index to match the retention. */
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

  const expireAfter = async (): Promise<void> => {
    const collection = collections.points;
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
      // Without a TTL index, this index serves the search for expired documents.
      await collection.createIndex({ to: 1 });
      if (hasTtl) log.info("TTL index unavailable, expiry by delete used", { reason: error.message });
      hasTtl = false;
    }
  };

  const keepForever = async (): Promise<void> => {
    try {
      const indexes = await collections.points.listIndexes().toArray();
      if (indexes.some((index) => index.name === "to_1")) await collections.points.dropIndex("to_1");
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
            // One index per command: FerretDB 1.24 closes the connection if several indexes of a command exist already.
            for (const index of indexes) await collections[name as keyof typeof INDEXES].createIndexes([index]);
          }
        },
        { limitMs: BUILD_LIMIT_MS },
      ),
    applyRetention: () => call(() => (retentionMs > 0 ? expireAfter() : keepForever()), { limitMs: BUILD_LIMIT_MS }),
  };
}
