/** A bucket (a stored block) as queries see it, and the functions that pass buckets to a reader one by one. */
import { type Columns, unpackColumns } from "../../schema/batch/columns.ts";
import { type Evidence, trackOf } from "../../schema/batch/evidence.ts";
import { AppError } from "../../schema/model/errors.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { type HolderSet, holderSetOf, NOBODY } from "../../schema/model/holder.ts";
import type { Series } from "../../schema/model/reading.ts";

export type Order = "newest" | "oldest";

/** Both ends inclusive, ms; may be infinite. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A bucket whose columns are not unpacked yet. */
export interface Bucket {
  /** First and last time of a reading, both inclusive, ms. */
  readonly from: number;
  readonly to: number;
  /** One per column, in ascending order. */
  readonly series: readonly Series[];
  /**
   * @param wanted numbers of the columns to unpack; the others are empty. Default: all
   * @throws AppError `internal` when the columns are damaged
   */
  readonly unpack: (wanted?: ReadonlySet<number>) => Columns;
  /** Holders that its rows named; null: none; undefined: unknown, because version 1 stored the bucket. */
  readonly evidence: () => Evidence | null | undefined;
}

/** Returns the holders that the rows of a reading named; null: unknown. */
export function holdersOf({ evidence }: Pick<Bucket, "evidence">, column: number, tick: number): HolderSet | null {
  const named = evidence();
  if (named === undefined) return null;
  if (named === null) return NOBODY;
  return named.sets[(trackOf(named, column).findLast((run) => run.tick <= tick)?.set ?? 0) - 1] ?? NOBODY;
}

/** Returns what the rows of two buckets name together. */
export function mergedHolders(a: HolderSet | null, b: HolderSet | null): HolderSet | null {
  if (a === null || b === null) return a ?? b;
  return a.length === 0 || b.length === 0 ? NOBODY : holderSetOf([...a, ...b]);
}

/** True if the reading comes from a row without a holder. Such readings win over others of their series and time. */
export function isWithoutHolder({ evidence }: Pick<Bucket, "evidence">, column: number, tick: number): boolean {
  const named = evidence();
  if (named === undefined) return false;
  return named === null || trackOf(named, column).findLast((run) => run.tick <= tick)?.set === 0;
}

/** A value of a series and time that several buckets have. */
export interface Rival {
  readonly value: number;
  readonly isWithoutHolder: boolean;
}

/** Returns the one that counts: of a row without a holder if only one is, otherwise the larger value. */
export function stronger<T extends Rival>(a: T, b: T): T {
  if (a.isWithoutHolder !== b.isWithoutHolder) return a.isWithoutHolder ? a : b;
  return b.value > a.value ? b : a;
}

/**
 * A generator that pulls as many buckets as it needs. `yield` returns the next bucket, or undefined after the last one.
 */
export type BucketReader<T> = Generator<undefined, T, Bucket | undefined>;

export function readBuckets<T>(reader: BucketReader<T>, buckets: Iterable<Bucket>): T {
  const coming = buckets[Symbol.iterator]();
  try {
    let asked = reader.next();
    while (!asked.done) {
      const next = coming.next();
      asked = reader.next(next.done ? undefined : next.value);
    }
    return asked.value;
  } finally {
    coming.return?.();
  }
}

/** `readBuckets` for buckets that arrive asynchronously. */
export async function readBucketsAsync<T>(reader: BucketReader<T>, buckets: AsyncIterable<Bucket>): Promise<T> {
  const coming = buckets[Symbol.asyncIterator]();
  try {
    let asked = reader.next();
    while (!asked.done) {
      const next = await coming.next();
      asked = reader.next(next.done ? undefined : next.value);
    }
    return asked.value;
  } finally {
    await coming.return?.();
  }
}

/** @throws AppError `internal` for damaged columns: they were valid when they were saved, so the store is damaged */
export function unpackBucket(gpu: GpuUuid, from: number, packed: Uint8Array, wanted?: ReadonlySet<number>): Columns {
  const columns = unpackColumns(packed, wanted);
  if (columns.ok) return columns.value;
  throw new AppError(`Cannot read the bucket of ${gpu} at ${new Date(from).toISOString()}: ${columns.error}`, {
    code: "internal",
  });
}

/** Returns the index of the first time at or after `time`, or `at.length` if there is none. */
export function firstTickFrom(at: Float64Array, time: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((at[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
