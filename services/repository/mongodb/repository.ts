/** The store in MongoDB or a compatible server, shared by any number of processes on any number of hosts. */
import { isAppError } from "../../../schema/model/errors.ts";
import { lastPresentTime } from "../../../schema/model/present.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import { checkSightings } from "../arrivals.ts";
import { createDifferingCounter } from "../differing.ts";
import type { Repository } from "../port.ts";
import { oldestKept } from "../rules.ts";
import { isDenied } from "./connection/errors.ts";
import { once, openLink } from "./connection/link.ts";
import type { BucketDocument } from "./documents.ts";
import { collectionsOf } from "./documents.ts";
import { createExpire } from "./expire.ts";
import { createEarlierStore } from "./holds/earlier-store.ts";
import { createHeld } from "./holds/held.ts";
import { createHoldLedger } from "./holds/ledger.ts";
import { createPlacements } from "./holds/placements.ts";
import { createPulses } from "./holds/pulses.ts";
import { createStays } from "./holds/stays.ts";
import { createTurns } from "./holds/turns.ts";
import { createWorkloads } from "./holds/workloads.ts";
import { createIndexes } from "./indexes.ts";
import { createInventoryLedger } from "./inventory/gpu-ledger.ts";
import { createGpus } from "./inventory/gpus.ts";
import { createLearner } from "./inventory/learner.ts";
import { createNames } from "./names.ts";
import { createPositions } from "./positions.ts";
import { createBuckets } from "./readings/buckets.ts";
import { createColumns } from "./readings/columns.ts";
import { createLatest } from "./readings/latest.ts";
import { createReadings } from "./readings/pages.ts";
import { createSeriesLists } from "./readings/series-lists.ts";
import { createSave } from "./save.ts";

const PING_LIMIT_MS = 5000;

export interface MongodbRepositoryOptions {
  /** `mongodb://` or `mongodb+srv://`, with options for the driver. May hold a password. */
  readonly url: string;
  readonly database: string;
  /** How many connections this process may have to a server. */
  readonly poolSize: number;
  readonly retentionMs: number;
  /** Version of the buckets to write. */
  readonly format: BucketDocument["v"];
}

/**
 * Succeeds even if the server is unavailable; calls then throw `unavailable` until the server answers.
 * @throws AppError `unavailable` when the address is malformed or the server denies access
 */
export async function openMongodbRepository(
  { retentionMs, format, ...options }: MongodbRepositoryOptions,
  { clock, log, metrics }: { clock: Clock; log: Logger; metrics?: Metrics | undefined },
): Promise<Repository> {
  await using opened = new AsyncDisposableStack();
  const link = opened.use(openLink(options, { clock, log }));
  const collections = collectionsOf(link.db);
  const indexes = createIndexes(link, { retentionMs, log });
  const lists = createSeriesLists();
  const buckets = createBuckets(collections, lists);
  const pulses = createPulses(link, collections);
  const inventory = createInventoryLedger(link, collections, pulses);
  const lastPresent = () => lastPresentTime(clock.now());
  const stays = createStays(link, collections, { buckets, lastPresent });
  const turns = createTurns(link, collections);
  const holds = createHoldLedger(link, collections, { buckets, stays, pulses, turns, lastPresent });
  const earlier = createEarlierStore(link, collections, { turns, stays, pulses, ledger: holds, clock, log });
  const learner = opened.use(createLearner({ inventory, holds, pulses, lastPresent, clock, log }));
  const positions = createPositions(link, collections);
  const save = createSave({ link, collections, lists, learner, positions, format });
  const onDiffering = createDifferingCounter(metrics);
  const readings = createReadings(link, buckets, onDiffering);
  const columns = createColumns(link, buckets, onDiffering);
  const latest = createLatest(link, collections, buckets, lastPresent);
  const held = createHeld(link, collections, pulses);
  const gpus = createGpus(link, collections, { inventory, pulses, held });
  const placements = createPlacements(link, collections, { buckets, pulses, lastPresent });
  const workloads = createWorkloads(link, collections, pulses);
  const expire = createExpire(link, collections);

  const prepare = once(async () => {
    await indexes.create();
    log.info("store opened", { kind: "mongodb", place: link.place });
  });
  // Only processes that write apply the retention, because the others are not configured with it.
  const prepareWrites = once(async () => {
    await prepare();
    await indexes.applyRetention();
  });
  const whenReady =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await prepare();
      return work(...args);
    };

  const whenCurrent = <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    whenReady(async (...args: A): Promise<T> => {
      await earlier.takeOver();
      await learner.catchUp();
      return work(...args);
    });

  await prepare().catch((error: unknown) => {
    if (!isAppError(error, "unavailable") || isDenied(error)) throw error;
    link.availability.down(error.message);
  });
  const all = opened.move();
  return {
    async save(batches, saveOptions = {}) {
      saveOptions.signal?.throwIfAborted();
      checkSightings(batches);
      await prepareWrites();
      await earlier.takeOver();
      return save(batches, oldestKept(clock, retentionMs), saveOptions);
    },
    async expire(before) {
      await prepareWrites();
      return expire(before);
    },
    readings: whenReady(readings.readings),
    pages: whenReady(readings.pages),
    async *columns(...asked) {
      await prepare();
      yield* columns(...asked);
    },
    latest: whenReady(async (...asked) => {
      await learner.catchUp();
      return latest(...asked);
    }),
    position: whenReady(positions.find),
    gpus: whenCurrent(gpus.gpus),
    gpusByUuid: whenCurrent(gpus.gpusByUuid),
    hosts: whenCurrent(placements.hosts),
    placements: whenCurrent(placements.placements),
    holds: whenCurrent(held.holds),
    workloads: whenCurrent(workloads),
    names: whenCurrent(createNames(link, collections)),
    ping: (pingOptions) =>
      link.call(async (signal) => void (await link.db.command({ ping: 1 }, { signal })), {
        ...pingOptions,
        limitMs: PING_LIMIT_MS,
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
