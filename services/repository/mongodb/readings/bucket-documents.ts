/** Converts a block of a batch to documents, and a document to a bucket. */
import type { Columns } from "../../../../schema/batch/columns.ts";
import { type Evidence, evidenceText, parseEvidence } from "../../../../schema/batch/evidence.ts";
import { AppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { Bucket } from "../../bucket.ts";
import type { BucketDocument } from "../documents.ts";
import { partOfEvidence } from "./evidence-part.ts";
import { seriesOfField } from "./field-names.ts";
import type { SeriesList, SeriesLists } from "./series-lists.ts";

/**
 * How many cells (times × series) a document may have. At most 17 bytes each in BSON, they stay far below MongoDB's 16
 * MiB.
 */
export const CELLS_MAX = 131_072;

/**
 * Texts of evidence that are kept parsed, a few hundred bytes each: neighbouring buckets nearly always have the same.
 */
const PARSED_MAX = 1000;
const parsedEvidence = new Map<string, Evidence>();

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

/** Returns the ticks of the marks by field name, or undefined if there is none in `[start, end)`. */
function staleOf(
  { at, marks }: Columns,
  fields: readonly string[],
  start: number,
  end: number,
): BucketDocument["stale"] {
  const stale = new Map<string, number[]>();
  for (const cell of marks) {
    const tick = cell % at.length;
    if (tick < start || tick >= end) continue;
    const field = fields[Math.floor(cell / at.length)] as string;
    const ticks = stale.get(field) ?? [];
    stale.set(field, ticks);
    ticks.push(tick - start);
  }
  return stale.size === 0 ? undefined : Object.fromEntries(stale);
}

export interface DocumentOptions {
  readonly id: string;
  /** Version 1 has no marks. */
  readonly format: BucketDocument["v"];
  /** Of the whole block; null: no row named a holder. */
  readonly evidence: Evidence | null;
}

/** Without `held`, version 2 says that no row named a holder, and version 1 says nothing. */
function heldOf(format: BucketDocument["v"], evidence: Evidence | null): Pick<BucketDocument, "held"> {
  if (evidence !== null) return { held: evidenceText(evidence) };
  return format === 1 ? { held: null } : {};
}

/** Yields one document, or several in order of time if one would be too large. */
export function* documentsOf(
  gpu: GpuUuid,
  columns: Columns,
  { fields }: SeriesList,
  { id, format, evidence }: DocumentOptions,
): Generator<BucketDocument> {
  const { at, values } = columns;
  const ticks = Math.max(1, Math.floor(CELLS_MAX / fields.length));
  for (let start = 0, part = 0; start < at.length; start += ticks, part++) {
    const end = Math.min(at.length, start + ticks);
    const held = evidence === null ? null : partOfEvidence(evidence, start, end);
    const stale = format === 1 ? undefined : staleOf(columns, fields, start, end);
    yield {
      _id: part === 0 ? id : `${id}:${part}`,
      v: format,
      gpu,
      from: new Date(at[start] as number),
      to: new Date(at[end - 1] as number),
      at: offsetsOf(at, start, end),
      // An assignment to the field of a metric named __proto__ would change the prototype instead.
      series: Object.fromEntries(
        fields.map((field, column) => [field, cellsOf(values[column] as Float64Array, start, end)]),
      ),
      ...heldOf(format, held),
      ...(stale === undefined ? {} : { stale }),
    };
  }
}

/** @throws AppError `internal` for a document of a newer version */
function checkVersion({ _id, v }: Pick<BucketDocument, "_id" | "v">): void {
  if (v === 1 || v === 2) return;
  throw new AppError(`Cannot read bucket ${_id}: version must be 1 or 2, got ${v}; use a newer release`, {
    code: "internal",
  });
}

/** Stands for a column that was not asked for. */
const SKIPPED = new Float64Array(0);

function columnsOf({ from, at, series, stale = {} }: BucketDocument, wanted?: ReadonlySet<number>): Columns {
  const start = from.getTime();
  const fields = Object.keys(series);
  // A metric may have the name of a property of Object.prototype.
  const marked = new Map(Object.entries(stale));
  return {
    at: Float64Array.from(at, (offset) => start + offset),
    values: Object.values(series).map((cells, column) =>
      wanted?.has(column) === false ? SKIPPED : Float64Array.from(cells, (value) => value ?? Number.NaN),
    ),
    marks: fields.flatMap((field, column) => (marked.get(field) ?? []).map((tick) => column * at.length + tick)),
  };
}

export interface StoredBucket extends Bucket {
  readonly id: string;
}

/** @throws AppError `internal` for a document of a newer version */
export function bucketOf(document: BucketDocument, lists: SeriesLists): StoredBucket {
  checkVersion(document);
  const { series } = lists.of(Object.keys(document.series).map(seriesOfField) as Series[]);
  return {
    from: document.from.getTime(),
    to: document.to.getTime(),
    series,
    unpack: (wanted) => columnsOf(document, wanted),
    id: document._id,
    evidence: () => evidenceOf(document),
  };
}

function evidenceOf({ v, held }: BucketDocument): Evidence | null | undefined {
  if (held === undefined) return v === 1 ? undefined : null;
  if (held === null) return null;
  const parsed = parsedEvidence.get(held) ?? parseEvidence(held);
  if (parsedEvidence.size === PARSED_MAX) parsedEvidence.clear();
  parsedEvidence.set(held, parsed);
  return parsed;
}
