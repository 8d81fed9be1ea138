/** Converts a block of a batch to documents, and a document to a bucket. */
import type { Block } from "../../../../schema/batch/batch.ts";
import type { Columns } from "../../../../schema/batch/columns.ts";
import { AppError } from "../../../../schema/model/errors.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import { type Bucket, unpackBucket } from "../../bucket.ts";
import type { BucketDocument } from "../documents.ts";
import { seriesOfField } from "./field-names.ts";
import type { SeriesList, SeriesLists } from "./series-lists.ts";

/**
 * How many cells (times × series) a document may have. At most 17 bytes each in BSON, they stay far below MongoDB's 16
 * MiB.
 */
export const CELLS_MAX = 131_072;

/** Dates end 100 million days from 1970. Times beyond are clamped to the last date. */
const DATE_MAX = 8.64e15;
export const dateOf = (time: number): Date => new Date(Math.max(-DATE_MAX, Math.min(DATE_MAX, time)));

/** Returns a plain array: the driver does not serialize typed arrays as arrays of numbers. */
function cellsOf(column: Float64Array, start: number, end: number): (number | null)[] {
  const cells: (number | null)[] = new Array(end - start);
  for (let tick = start; tick < end; tick++) {
    const value = column[tick] as number;
    cells[tick - start] = Number.isNaN(value) ? null : value;
  }
  return cells;
}

function offsetsOf(at: Float64Array, start: number, end: number): number[] {
  const offsets: number[] = new Array(end - start);
  const from = at[start] as number;
  for (let tick = start; tick < end; tick++) offsets[tick - start] = (at[tick] as number) - from;
  return offsets;
}

/** Yields one document, or several in order of time if one would be too large. */
export function* documentsOf(
  { gpu, packed, from: first }: Block,
  { fields }: SeriesList,
  id: string,
): Generator<BucketDocument> {
  const { at, values } = unpackBucket(gpu, first, packed);
  const ticks = Math.max(1, Math.floor(CELLS_MAX / fields.length));
  for (let start = 0, part = 0; start < at.length; start += ticks, part++) {
    const end = Math.min(at.length, start + ticks);
    yield {
      _id: part === 0 ? id : `${id}:${part}`,
      v: 1,
      gpu,
      from: new Date(at[start] as number),
      to: new Date(at[end - 1] as number),
      at: offsetsOf(at, start, end),
      // An assignment to the field of a metric named __proto__ would change the prototype instead.
      series: Object.fromEntries(
        fields.map((field, column) => [field, cellsOf(values[column] as Float64Array, start, end)]),
      ),
    };
  }
}

function columnsOf({ from, at, series }: BucketDocument): Columns {
  const start = from.getTime();
  return {
    at: Float64Array.from(at, (offset) => start + offset),
    values: Object.values(series).map((cells) => Float64Array.from(cells, (value) => value ?? Number.NaN)),
  };
}

/** @throws AppError `internal` for a document of a newer version */
export function bucketOf(document: BucketDocument, lists: SeriesLists): Bucket {
  if (document.v !== 1) {
    throw new AppError(
      `Cannot read bucket ${document._id}: version must be 1, got ${document.v}; use a newer release`,
      {
        code: "internal",
      },
    );
  }
  const { series } = lists.of(Object.keys(document.series).map(seriesOfField) as Series[]);
  return {
    from: document.from.getTime(),
    to: document.to.getTime(),
    series,
    unpack: () => columnsOf(document),
  };
}
