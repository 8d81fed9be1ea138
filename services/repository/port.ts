/**
 * The store: readings in buckets, the inventory of GPUs, their placements in hosts, and the holds of pods and jobs.
 * SQLite, MongoDB and the reference model of the tests pass `test/conformance/repository.ts`.
 *
 * Errors: every method throws `AppError` `unavailable` when the store does not answer. The same call may be repeated.
 * Arguments are not checked: windows, limits and uuids are parsed at the edge.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import type { Gpu, GpuUuid, Hold, Host, Placement, Workload } from "../../schema/model/gpu.ts";
import type { HolderSet } from "../../schema/model/holder.ts";
import type { NameKind, NameQuery } from "../../schema/model/known-names.ts";
import type { Reading, Series } from "../../schema/model/reading.ts";
import type { Window } from "../../schema/model/window.ts";
import type { ColumnsRepository } from "./columns.ts";

/**
 * How far a producer's batches are stored. It only advances: to a later `epoch`, or to a later `seq` of the same epoch.
 */
export interface StoredPosition {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: string;
}

export interface SaveOptions {
  /** Positions to store: in one transaction with the readings if the store has transactions, otherwise after them. */
  readonly positions?: readonly StoredPosition[];
  readonly signal?: AbortSignal | undefined;
}

export interface SaveOutcome {
  /** New buckets. */
  readonly buckets: number;
  /** Buckets that the store already had. */
  readonly duplicateBuckets: number;
  /** Readings in the new buckets. */
  readonly readings: number;
  /** Readings in the buckets that the store already had. */
  readonly duplicateReadings: number;
  /** Readings dropped because they are older than the retention. */
  readonly tooOld: number;
}

/** A place in the readings of one GPU: the page begins after the reading with this time and series. */
export interface ReadingCursor {
  readonly at: number;
  readonly series: Series;
}

export interface ReadingQuery {
  /** Canonical metric names; a metric means all its series. Default: every metric. */
  readonly metrics?: readonly string[] | undefined;
  /** 1 to 10,000. */
  readonly limit: number;
  /** Which times come first. In both orders, readings of one time are in ascending order of series. Default: newest. */
  readonly order?: "newest" | "oldest";
  readonly after?: ReadingCursor | undefined;
  /** Whether readings have `holders`. Default: false. */
  readonly withHolders?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A reading, and with `withHolders` the holders that its rows named. */
export interface StoredReading extends Reading {
  /**
   * None if one of the rows of this series and time named no holder, otherwise those of all rows. Null: unknown,
   * because version 1 stored the reading; the holds then tell.
   */
  readonly holders?: HolderSet | null;
}

export interface ReadingPage {
  readonly readings: readonly StoredReading[];
  /** Where the next page begins; null on the last page. */
  readonly next: ReadingCursor | null;
}

/** Returns the number of readings of a page. */
export const sizeOfPage = ({ readings }: ReadingPage): number => readings.length;

export interface TelemetryRepository {
  /**
   * Stores all batches durably, or throws.
   * - Saving a batch again changes nothing and succeeds.
   * - The batches' sightings update inventory and placements. An older batch never overwrites newer facts.
   * - The batches' evidence updates the holds. They depend on the stored evidence alone, never on the order of arrival,
   *   on batch sizes or on restarts.
   * - Not guaranteed: atomicity. After an error, part of the batches may be stored (SQLite stores all or none).
   * @throws AppError `invalid` if a batch has a block of a GPU, but no sighting of that GPU; nothing is stored then
   */
  save(batches: readonly Batch[], options?: SaveOptions): Promise<SaveOutcome>;
  /**
   * Returns a page of one GPU's readings within the window. The page of an unknown GPU is empty.
   * - Merged: if several buckets have a value for one series and time, it is one reading with the largest value.
   * - Bounded: reads only as many buckets as the page needs.
   * - Stable under writes: following `next` to the last page returns each reading that was stored at the start exactly
   *   once.
   */
  readings(gpu: GpuUuid, window: Window, query: ReadingQuery): Promise<ReadingPage>;
  /**
   * Returns the page of each GPU, in the order of `gpus`, as long as they have at most `max` readings together. The
   * first page that takes the total over `max`, and all after it, are left out.
   */
  pages(
    gpus: readonly GpuUuid[],
    window: Window,
    query: ReadingQuery & { readonly max: number },
  ): Promise<ReadonlyMap<GpuUuid, ReadingPage>>;
  /**
   * Returns the newest reading of each series of each GPU, by series ascending. A GPU without readings has an empty
   * list. Readings more than 10 minutes ahead of the clock do not count before their time.
   */
  latest(
    gpus: readonly GpuUuid[],
    query?: { metrics?: readonly string[] | undefined; signal?: AbortSignal | undefined },
  ): Promise<ReadonlyMap<GpuUuid, readonly Reading[]>>;
  /** Returns the producer's stored position, or null for an unknown producer. */
  position(producer: string): Promise<StoredPosition | null>;
  /**
   * Drops buckets that end before `before` (ms). Each call drops a limited number of buckets and returns that number;
   * call again until it returns 0. Holds and placements stay: they are what remains of old readings.
   */
  expire(before: number): Promise<number>;
}

/** A GPU matches when it meets every condition that is given. */
export interface GpuFilter {
  readonly hostname?: string | undefined;
  readonly model?: string | undefined;
  /** Conditions of holders: one open hold of the GPU or of an instance meets all that are given. */
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly job?: string | undefined;
  /** With a window, any hold that overlaps it counts, not only open ones. */
  readonly window?: Window | undefined;
  /** Only GPUs with a reading at or after this time, ms. */
  readonly seenSince?: number | undefined;
}

/** A place in the order of the inventory: by host, then index as a number, then uuid. */
export interface GpuCursor {
  readonly host: string;
  readonly index: string;
  readonly uuid: GpuUuid;
}

export interface GpuQuery {
  readonly filter?: GpuFilter;
  /** 1 to 10,000. */
  readonly limit: number;
  readonly after?: GpuCursor | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GpuPage {
  readonly gpus: readonly Gpu[];
  /** Number of GPUs on all pages that match the filter. */
  readonly total: number;
  readonly next: GpuCursor | null;
}

export interface GpuRepository {
  /** Returns a page of the inventory. */
  gpus(query: GpuQuery): Promise<GpuPage>;
  /** Returns the known GPUs among `uuids`, each once, in any order. */
  gpusByUuid(uuids: readonly GpuUuid[], options?: { signal?: AbortSignal | undefined }): Promise<readonly Gpu[]>;
  /** Returns the hosts with at least one current placement, by hostname. */
  hosts(options?: { signal?: AbortSignal | undefined }): Promise<readonly Host[]>;
  /**
   * Returns the holds of each GPU and its instances that overlap the window, not cut to it, by start, then instance and
   * holder, at most 10,000 per GPU. GPUs are in the order of `gpus`. The first GPU that takes the total over `max`
   * holds, and all after it, are left out.
   */
  holds(
    gpus: readonly GpuUuid[],
    window: Window,
    options: { readonly max: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ReadonlyMap<GpuUuid, readonly Hold[]>>;
  /** Returns a page of the workloads with a hold that overlaps the window, with those holds. */
  workloads(query: WorkloadQuery): Promise<WorkloadPage>;
  /**
   * Returns the placements that overlap the window, not cut to it: of a GPU (which hosts it was in) or of a host (which
   * GPUs were in its slots), by start, then index and GPU, at most 10,000.
   */
  placements(
    of: { readonly gpu: GpuUuid } | { readonly host: string },
    window: Window,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly Placement[]>;
}

/** A place in the order of workloads: by namespace, pod and job, null first. */
export type WorkloadCursor = Pick<Workload, "namespace" | "pod" | "job">;

export interface WorkloadQuery {
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly job?: string | undefined;
  readonly window: Window;
  /** 1 to 1,000 workloads. A page ends early rather than have more than 10,000 holds, but has at least one workload. */
  readonly limit: number;
  readonly after?: WorkloadCursor | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WorkloadPage {
  readonly workloads: readonly Workload[];
  readonly next: WorkloadCursor | null;
}

export interface NameRepository {
  /**
   * Returns names that have been stored, ascending, each once. A name stays known when its readings expire.
   * - `metric`: canonical names of metrics with readings
   * - `hostname`: hosts that a GPU is or was in
   * - `model`: of GPUs, as last seen
   * - `namespace`, `pod`, `job`: of holders
   *
   * Not guaranteed: names that only readings later than the present have, and only those that still have a hold.
   */
  names(kind: NameKind, query: NameQuery): Promise<readonly string[]>;
}

export interface Repository
  extends TelemetryRepository,
    ColumnsRepository,
    GpuRepository,
    NameRepository,
    AsyncDisposable {
  /** Resolves when the store answers. */
  ping(options?: { signal?: AbortSignal | undefined }): Promise<void>;
}
