/**
 * The collections' indexes, and the query that each serves. On a sharded cluster shard `telemetry_points` and
 * `attributions` by `{ gpu: "hashed" }`: every read of them names a GPU; `gpus` and `positions` are small.
 */
import { type IndexDescription, MongoServerError } from "mongodb";
import type { Logger } from "../../platform/process/logger.ts";
import type { Link } from "./connection/link.ts";
import { type Collections, collectionsOf } from "./documents.ts";

/** Building one over a large collection may take longer: the server goes on with it without us. */
const BUILD_LIMIT_MS = 30_000;

const INDEXES = {
  points: [
    // Readings newest first and latest readings: the GPU's buckets by their end.
    { key: { gpu: 1, to: -1 } },
    // Readings oldest first, and the time after an interval of attribution: the GPU's buckets by their start.
    { key: { gpu: 1, from: 1 } },
  ],
  // Inventory in its order, and the GPUs of one host.
  gpus: [{ key: { "seen.host": 1, "seen.place": 1, _id: 1 } }],
  attributions: [
    // Who held a GPU within a window.
    { key: { gpu: 1, from: 1 } },
    // A day's newest revision, for its writers.
    { key: { day: 1 } },
  ],
} as const satisfies Partial<Record<keyof Collections, readonly IndexDescription[]>>;

const EXISTS = 48;
const NO_SUCH_INDEX = 27;
const CONFLICT: readonly unknown[] = [85, 86];
const NO_SUCH_COLLECTION = 26;

const isRefusal = (error: unknown): error is MongoServerError => error instanceof MongoServerError;

export interface Indexes {
  /** Collections and indexes, made where they are missing. */
  create(): Promise<void>;
  /** Before the first write: what is too old is dropped by the server itself, where it can, or no longer. */
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
      if (error.code !== EXISTS) log.info("store compresses as its server does by default", { reason: error.message });
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
      // Serves the search for what is too old.
      await collection.createIndex({ to: 1 });
      if (hasTtl) log.info("store has no TTL index: deletes what is too old step by step", { reason: error.message });
      hasTtl = false;
    }
  };

  const keepForever = async (name: "points" | "attributions"): Promise<void> => {
    try {
      const indexes = await collections[name].listIndexes().toArray();
      if (indexes.some((index) => index.name === "to_1")) await collections[name].dropIndex("to_1");
    } catch (error) {
      // Another process was faster.
      if (!isRefusal(error) || (error.code !== NO_SUCH_INDEX && error.code !== NO_SUCH_COLLECTION)) throw error;
    }
  };

  return {
    create: () =>
      call(
        async () => {
          await createPoints();
          for (const [name, indexes] of Object.entries(INDEXES)) {
            // One by one: FerretDB 1.24 breaks the connection over several that are there already.
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
