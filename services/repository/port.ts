/**
 * The store: readings in buckets, and what is known of each GPU. SQLite, MongoDB and the reference model of the tests
 * pass `test/conformance/repository.ts`.
 *
 * Errors: every method throws `AppError` `unavailable` when the store is away; the same call may be repeated.
 * Arguments are trusted: windows, limits and uuids were parsed at the edge.
 */
import type { Batch } from "../../schema/batch/batch.ts";
import type { Attribution, Gpu, GpuUuid, Host } from "../../schema/model/gpu.ts";
import type { Reading, Series } from "../../schema/model/reading.ts";
import type { Window } from "../../schema/model/window.ts";

/** How far a producer's batches are stored; `epoch` then `seq` only ever grow. */
export interface StoredPosition {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: string;
}

export interface SaveOptions {
  /** Stored in the same transaction where the store has one, else after the readings. */
  readonly positions?: readonly StoredPosition[];
  readonly signal?: AbortSignal | undefined;
}

export interface SaveOutcome {
  /** Buckets that were new, and buckets that were there already. */
  readonly buckets: number;
  readonly duplicateBuckets: number;
  /** Readings in the new buckets. */
  readonly readings: number;
  /** Readings in the buckets that were there already. */
  readonly duplicateReadings: number;
  /** Readings dropped because they are older than the retention. */
  readonly tooOld: number;
}

/** A place between two readings of one GPU: the page begins after the reading with this time and series. */
export interface ReadingCursor {
  readonly at: number;
  readonly series: Series;
}

export interface ReadingQuery {
  /** Canonical metric names; a metric means all its series. Absent: every metric. */
  readonly metrics?: readonly string[] | undefined;
  /** 1 to 10,000. */
  readonly limit: number;
  /** By time; readings of one time are always in ascending order of series. Default newest. */
  readonly order?: "newest" | "oldest";
  readonly after?: ReadingCursor | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadingPage {
  readonly readings: readonly Reading[];
  /** Set exactly when more is there. */
  readonly next: ReadingCursor | null;
}

/** Its number of readings. */
export const sizeOfPage = ({ readings }: ReadingPage): number => readings.length;

export interface TelemetryRepository {
  /**
   * All batches, durably, or an error. Saving again changes nothing and is success. Also updates inventory and
   * attribution from the batches' sightings; older batches never overwrite newer facts.
   */
  save(batches: readonly Batch[], options?: SaveOptions): Promise<SaveOutcome>;
  /**
   * Merged: a (series, time) that lies in several buckets is one reading, the larger value wins. Reads only as many
   * buckets as the page needs. Stable under writes: paging on with `next` tells every reading that was there at the
   * start exactly once. An unknown GPU has no readings.
   */
  readings(gpu: GpuUuid, window: Window, query: ReadingQuery): Promise<ReadingPage>;
  /**
   * The same for many GPUs: each one's page, in the order asked, until they hold more than `max` readings together. The
   * pages that no longer fit are left out.
   */
  pages(
    gpus: readonly GpuUuid[],
    window: Window,
    query: ReadingQuery & { readonly max: number },
  ): Promise<ReadonlyMap<GpuUuid, ReadingPage>>;
  /** The newest reading of each series of each GPU, in ascending order of series; GPUs without any have an empty list. */
  latest(
    gpus: readonly GpuUuid[],
    query?: { metrics?: readonly string[] | undefined; signal?: AbortSignal | undefined },
  ): Promise<ReadonlyMap<GpuUuid, readonly Reading[]>>;
  /** Where the producer's stored batches end; null: never heard of. */
  position(producer: string): Promise<StoredPosition | null>;
  /** Drops buckets that end before `before` (ms); at most a bounded number a call. Returns how many; 0: done. */
  expire(before: number): Promise<number>;
}

export interface GpuFilter {
  readonly hostname?: string | undefined;
  readonly namespace?: string | undefined;
  readonly model?: string | undefined;
}

/** Inventory order: host, then index as a number, then uuid. */
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
  /** All that match the filter, whatever the limit. */
  readonly total: number;
  readonly next: GpuCursor | null;
}

export interface GpuRepository {
  gpus(query: GpuQuery): Promise<GpuPage>;
  /** Known GPUs among those asked for, in any order. */
  gpusByUuid(uuids: readonly GpuUuid[], options?: { signal?: AbortSignal | undefined }): Promise<readonly Gpu[]>;
  /** In order of hostname. */
  hosts(options?: { signal?: AbortSignal | undefined }): Promise<readonly Host[]>;
  /**
   * Intervals of each GPU that touch the window, oldest first, at most 10,000 of each, in the order asked, until there
   * are more than `max` together. The GPUs whose intervals no longer fit are left out.
   */
  attributions(
    gpus: readonly GpuUuid[],
    window: Window,
    options: { readonly max: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ReadonlyMap<GpuUuid, readonly Attribution[]>>;
}

export interface Repository extends TelemetryRepository, GpuRepository, AsyncDisposable {
  /** Resolves when the store answers; throws `AppError` `unavailable` when not. */
  ping(options?: { signal?: AbortSignal | undefined }): Promise<void>;
}
