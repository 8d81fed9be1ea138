/** The store in one SQLite file, which several processes on one host may share. */
import type { Attribution, GpuUuid } from "../../../schema/model/gpu.ts";
import { lastPresentTime } from "../../../schema/model/present.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import { checkSightings } from "../arrivals.ts";
import { createDifferingCounter } from "../differing.ts";
import { answersForMany } from "../many.ts";
import type { Repository, StoredPosition } from "../port.ts";
import { oldestKept } from "../rules.ts";
import { createAttributionTable } from "./attributions.ts";
import { createBuckets } from "./buckets.ts";
import { openDatabase } from "./database.ts";
import { createExpire } from "./expire.ts";
import { createGpuTable } from "./gpus.ts";
import { createKnownGpus } from "./known-gpus.ts";
import { createLatest } from "./latest.ts";
import { createReadings } from "./readings.ts";
import { createSave, hashBlocks } from "./save.ts";
import { createSeriesLists } from "./series-lists.ts";

/** Number of GPUs read in one snapshot. */
const ATTRIBUTIONS_SLICE = 50;

export interface SqliteRepositoryOptions {
  /**
   * Path of the file. The file and its directory are created if missing. SQLite adds a `-wal` and a `-shm` file while
   * open.
   */
  readonly path: string;
  readonly retentionMs: number;
}

/** @throws AppError `unavailable`, naming the path and what to do */
export async function openSqliteRepository(
  { path, retentionMs }: SqliteRepositoryOptions,
  { clock, log, metrics }: { clock: Clock; log: Logger; metrics?: Metrics | undefined },
): Promise<Repository> {
  const busy = metrics?.counter({
    name: "store_busy_total",
    help: "Attempts to use the SQLite file that found another process writing to it.",
  });
  const database = await openDatabase(path, { clock, onBusy: () => busy?.inc() });
  const seriesLists = createSeriesLists(database);
  const buckets = createBuckets(database, seriesLists);
  const gpus = createGpuTable(database);
  const attributions = createAttributionTable(database);
  const known = createKnownGpus(database, gpus, attributions);
  const save = createSave({ database, seriesLists, known, gpus, attributions, buckets });
  const position = database.prepare("SELECT producer, epoch, seq, position FROM positions WHERE producer = ?");
  const answer = database.prepare("SELECT 1 FROM gpus LIMIT 1");
  log.info("store opened", { kind: "sqlite", path });

  const undo = () => {
    known.forget();
    seriesLists.forget();
  };
  const attributionsOf = (uuid: GpuUuid, window: Window): Attribution[] => {
    const row = gpus.find(uuid);
    return row === undefined ? [] : attributions.touching({ id: row.id, uuid }, window);
  };
  return {
    async save(batches, { positions = [], signal } = {}) {
      checkSightings(batches);
      const blocks = hashBlocks(batches);
      return database.write(() => save(blocks, positions, oldestKept(clock, retentionMs)), { undo, signal });
    },
    ...createReadings(database, seriesLists, buckets, createDifferingCounter(metrics)),
    latest: createLatest(database, seriesLists, buckets, () => lastPresentTime(clock.now())),
    position: (producer) =>
      database.read(() => {
        const row = position.get(producer);
        if (row === undefined) return null;
        const [name, epoch, seq, text] = row;
        return { producer: name, epoch, seq, position: text } as StoredPosition;
      }),
    expire: createExpire(database, attributions),
    gpus: (query) => database.read(() => gpus.page(query), query),
    gpusByUuid: (uuids, options) => database.read(() => gpus.byUuid(uuids), options),
    hosts: (options) => database.read(() => gpus.hosts(), options),
    attributions: (uuids, window, { max, ...options }) => {
      const ask = (some: readonly GpuUuid[]) =>
        database.read(() => some.map((uuid) => attributionsOf(uuid, window)), options);
      return answersForMany(uuids, ask, ({ length }) => length, {
        slice: ATTRIBUTIONS_SLICE,
        max,
        signal: options.signal,
      });
    },
    ping: (options) => database.read(() => void answer.get(), options),
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
    },
  };
}
