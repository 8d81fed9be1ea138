/** The store in one SQLite file, which several processes on one host may share. */
import type { GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import { lastPresentTime } from "../../../schema/model/present.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import { checkSightings } from "../arrivals.ts";
import { createDifferingCounter } from "../differing.ts";
import { EvidenceMemory } from "../evidence-memory.ts";
import { answersForMany } from "../many.ts";
import type { Repository, StoredPosition } from "../port.ts";
import { oldestKept } from "../rules.ts";
import { createColumns } from "./columns.ts";
import { openDatabase } from "./database.ts";
import { createExpire } from "./expire.ts";
import { createLatest } from "./latest.ts";
import { createListChoice } from "./list-choice.ts";
import { createNames } from "./names.ts";
import { createReadings } from "./readings.ts";
import { createSave, hashBlocks } from "./save.ts";
import { createSettle } from "./settle.ts";
import { createTables } from "./tables.ts";
import { createWorkloads } from "./workloads.ts";

/** Number of GPUs read in one snapshot. */
const HOLDS_SLICE = 50;

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
  const tables = createTables(database);
  const { seriesLists, buckets, gpus, stays, holds, holders } = tables;
  const reading = {
    listChoice: createListChoice(database, seriesLists),
    onDiffering: createDifferingCounter(metrics),
  };
  const evidenceMemory = new EvidenceMemory();
  const save = createSave({ database, ...tables });
  const settle = createSettle({ database, ...tables }, clock);
  const names = createNames(database);
  const workloads = createWorkloads(database, holders);
  const position = database.prepare("SELECT producer, epoch, seq, position FROM positions WHERE producer = ?");
  const answer = database.prepare("SELECT 1 FROM gpus LIMIT 1");
  log.info("store opened", { kind: "sqlite", path });

  const holdsOf = (uuid: GpuUuid, window: Window): Hold[] => {
    const row = gpus.find(uuid);
    return row === undefined ? [] : holds.overlapping({ id: row.id, uuid }, window);
  };
  return {
    async save(batches, { positions = [], signal } = {}) {
      checkSightings(batches);
      const blocks = hashBlocks(batches, evidenceMemory);
      const times = { cutoff: oldestKept(clock, retentionMs), present: lastPresentTime(clock.now()) };
      return database.write(() => save(blocks, positions, times), { undo: tables.forget, signal });
    },
    ...createReadings(database, buckets, reading),
    columns: createColumns(database, tables, reading),
    latest: createLatest(database, tables, () => lastPresentTime(clock.now())),
    position: (producer) =>
      database.read(() => {
        const row = position.get(producer);
        if (row === undefined) return null;
        const [name, epoch, seq, text] = row;
        return { producer: name, epoch, seq, position: text } as StoredPosition;
      }),
    expire: createExpire(database, { ...tables, settle }),
    async gpus(query) {
      await settle(query);
      return database.read(() => gpus.page(query), query);
    },
    async gpusByUuid(uuids, options) {
      await settle({ ...options, gpus: uuids });
      return database.read(() => gpus.byUuid(uuids), options);
    },
    async hosts(options) {
      await settle(options);
      return database.read(() => stays.hosts(), options);
    },
    async holds(uuids, window, { max, ...options }) {
      await settle({ ...options, gpus: uuids });
      const ask = (some: readonly GpuUuid[]) => database.read(() => some.map((uuid) => holdsOf(uuid, window)), options);
      return answersForMany(uuids, ask, ({ length }) => length, { slice: HOLDS_SLICE, max, ...options });
    },
    async workloads(query) {
      await settle(query);
      return workloads(query);
    },
    async placements(of, window, options) {
      await settle(options);
      return database.read(() => stays.placements(of, window), options);
    },
    async names(kind, query) {
      await settle(query);
      return names(kind, query);
    },
    ping: (options) => database.read(() => void answer.get(), options),
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
    },
  };
}
