/**
 * Packs and unpacks the times and values of one block. Batches and buckets hold the same bytes. Format: see FORMATS.md.
 */

import { fail, ok, type Result } from "../model/result.ts";
import { ByteReader, DamagedBytes } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { NumberColumn, readNumberColumn, skipNumberColumn } from "./number-column.ts";

export interface Columns {
  /** Milliseconds since the epoch, strictly ascending. */
  readonly at: Float64Array;
  /** One column per series, as long as `at`; NaN where the series has no reading at that time. */
  readonly values: readonly Float64Array[];
  /** Stale marks as cells (column × times + index of the time), ascending. A marked cell has no reading. */
  readonly marks: readonly number[];
}

/** Maximum of times × columns in one block. Unpacking takes 8 bytes per cell. */
export const MAX_BLOCK_CELLS = 1 << 20;

/** Version 2 is version 1 with marks after the last column. Columns without marks are written as version 1. */
const VERSIONS = { plain: 1, marked: 2 } as const;
const EVERY_TIME = 0;

/** Packs one block after another, reusing its scratch memory. */
export class ColumnPacker {
  readonly #out = new ByteWriter();
  readonly #numbers = new NumberColumn();
  #present = new Float64Array(32);

  /**
   * Packs the first `times` numbers of `at`, and `cells`, which hold `times` values of each column, column after
   * column. NaN means no value. `marks` are the marked cells, in any order. Equal columns give equal bytes on every
   * runtime.
   * @throws RangeError if there is no time or no column, or if times × columns exceed `MAX_BLOCK_CELLS`
   */
  pack(at: Float64Array, times: number, cells: Float64Array, columns: number, marks: readonly number[]): Uint8Array {
    if (times === 0 || columns === 0 || times * columns > MAX_BLOCK_CELLS) {
      throw new RangeError(`A block must have 1 to ${MAX_BLOCK_CELLS} cells, got ${times} times × ${columns} columns`);
    }
    const out = this.#out;
    out.reset();
    out.byte(marks.length === 0 ? VERSIONS.plain : VERSIONS.marked);
    out.varint(times);
    out.varint(columns);
    this.#numbers.write(out, at, 0, times);
    const patterns = hasHoles(cells, times * columns) ? findPatterns(cells, times, columns) : undefined;
    out.varint(patterns?.bitmaps.length ?? 0);
    for (const bitmap of patterns?.bitmaps ?? []) out.bytes(bitmap);
    for (let column = 0; column < columns; column++) {
      const pattern = patterns?.ofColumn[column] ?? EVERY_TIME;
      if (patterns !== undefined) out.varint(pattern);
      if (pattern === EVERY_TIME) {
        this.#numbers.write(out, cells, column * times, times);
      } else {
        const present = this.#gather(cells, column * times, times);
        this.#numbers.write(out, this.#present, 0, present);
      }
    }
    if (marks.length > 0) writeMarks(out, marks);
    return out.take();
  }

  #gather(cells: Float64Array, start: number, times: number): number {
    if (this.#present.length < times) this.#present = new Float64Array(times);
    let count = 0;
    for (let cell = start; cell < start + times; cell++) {
      const value = cells[cell] as number;
      if (!Number.isNaN(value)) this.#present[count++] = value;
    }
    return count;
  }
}

function writeMarks(out: ByteWriter, marks: readonly number[]): void {
  out.varint(marks.length);
  let next = 0;
  for (const cell of marks.toSorted((a, b) => a - b)) {
    out.varint(cell - next);
    next = cell + 1;
  }
}

/** @param values without those of columns that were skipped */
function readMarks(from: ByteReader, values: readonly Float64Array[], times: number): number[] {
  const cells = times * values.length;
  const marks: number[] = [];
  const count = from.bounded(cells, "number of marks");
  for (let next = 0; marks.length < count; ) {
    const cell = next + from.bounded(cells - 1 - next, "place of a mark");
    const column = values[Math.floor(cell / times)] as Float64Array;
    if (column !== SKIPPED && !Number.isNaN(column[cell % times])) {
      throw new DamagedBytes("a marked cell must have no reading");
    }
    marks.push(cell);
    next = cell + 1;
  }
  return marks;
}

function hasHoles(cells: Float64Array, size: number): boolean {
  for (let cell = 0; cell < size; cell++) if (Number.isNaN(cells[cell])) return true;
  return false;
}

/**
 * Returns the distinct bitmaps of the columns with holes, in order of appearance, and for each column the number of its
 * bitmap, from 1. A column without holes has `EVERY_TIME`.
 */
function findPatterns(
  cells: Float64Array,
  times: number,
  columns: number,
): { readonly bitmaps: readonly Uint8Array[]; readonly ofColumn: readonly number[] } {
  const bitmaps: Uint8Array[] = [];
  const known = new Map<string, number>();
  const ofColumn: number[] = [];
  for (let start = 0; start < times * columns; start += times) {
    const bitmap = Buffer.alloc((times + 7) >> 3);
    let present = 0;
    for (let tick = 0; tick < times; tick++) {
      if (Number.isNaN(cells[start + tick])) continue;
      bitmap[tick >> 3] = (bitmap[tick >> 3] as number) | (1 << (tick & 7));
      present++;
    }
    const key = bitmap.toString("latin1");
    let pattern = present === times ? EVERY_TIME : known.get(key);
    if (pattern === undefined) {
      pattern = bitmaps.push(bitmap);
      known.set(key, pattern);
    }
    ofColumn.push(pattern);
  }
  return { bitmaps, ofColumn };
}

/** Packs the columns of one block. Equal columns give equal bytes on every runtime. @throws RangeError as `pack()` */
export function packColumns({ at, values, marks }: Columns): Uint8Array {
  const cells = new Float64Array(at.length * values.length);
  for (const [index, column] of values.entries()) cells.set(column, index * at.length);
  return new ColumnPacker().pack(at, at.length, cells, values.length, marks);
}

/** Size of packed columns, readable without unpacking them. */
export interface ColumnsShape {
  readonly hasMarks: boolean;
  readonly times: number;
  readonly columns: number;
}

function readShape(from: ByteReader): ColumnsShape {
  const version = from.byte();
  if (version !== VERSIONS.plain && version !== VERSIONS.marked)
    throw new DamagedBytes(`version of columns must be 1 or 2, got ${version}`);
  const times = from.bounded(MAX_BLOCK_CELLS, "number of times");
  const columns = from.bounded(MAX_BLOCK_CELLS, "number of columns");
  if (times * columns > MAX_BLOCK_CELLS)
    throw new DamagedBytes(`times × columns must be at most ${MAX_BLOCK_CELLS}, got ${times} × ${columns}`);
  if (times === 0 || columns === 0) throw new DamagedBytes("a block must have readings");
  return { times, columns, hasMarks: version === VERSIONS.marked };
}

/** @throws DamagedBytes */
export const shapeOfColumns = (packed: Uint8Array): ColumnsShape => readShape(new ByteReader(packed));

function readTimes(from: ByteReader, times: number): Float64Array {
  const at = new Float64Array(times);
  readNumberColumn(from, at, times);
  for (let tick = 1; tick < times; tick++) {
    if ((at[tick] as number) <= (at[tick - 1] as number)) throw new DamagedBytes("times must be ascending");
  }
  return at;
}

/** Reads the times of packed columns without their values. @throws DamagedBytes */
export function timesOfColumns(packed: Uint8Array): Float64Array {
  const from = new ByteReader(packed);
  return readTimes(from, readShape(from).times);
}

/** Stands for a column that was not asked for. */
const SKIPPED = new Float64Array(0);

function unpack(from: ByteReader, wanted: ReadonlySet<number> | undefined): Columns {
  const { times, columns, hasMarks } = readShape(from);
  const at = readTimes(from, times);
  const patterns = from.bounded(columns, "number of patterns");
  const bitmaps = Array.from({ length: patterns }, () => from.bytes((times + 7) >> 3));
  const values: Float64Array[] = [];
  while (values.length < columns) {
    const bitmap = patterns === 0 ? undefined : bitmaps[from.bounded(patterns, "pattern") - 1];
    if (wanted?.has(values.length) === false) {
      skipNumberColumn(from, bitmap === undefined ? times : presentIn(bitmap, times));
      values.push(SKIPPED);
      continue;
    }
    const column = new Float64Array(times);
    if (bitmap === undefined) readNumberColumn(from, column, times);
    else readSparse(from, column, bitmap);
    values.push(column);
  }
  const marks = hasMarks ? readMarks(from, values, times) : [];
  if (from.left > 0) throw new DamagedBytes(`${from.left} bytes follow the last column`);
  return { at, values, marks };
}

function presentIn(bitmap: Uint8Array, times: number): number {
  let present = 0;
  for (let tick = 0; tick < times; tick++) present += ((bitmap[tick >> 3] as number) >> (tick & 7)) & 1;
  return present;
}

/** Reads the values into the front of the column, then moves each to its place, the last one first. */
function readSparse(from: ByteReader, column: Float64Array, bitmap: Uint8Array): void {
  let present = presentIn(bitmap, column.length);
  readNumberColumn(from, column, present);
  for (let tick = column.length - 1; tick >= 0; tick--) {
    const isPresent = ((bitmap[tick >> 3] as number) >> (tick & 7)) & 1;
    column[tick] = isPresent === 1 ? (column[--present] as number) : Number.NaN;
  }
}

/**
 * Returns the packed columns, every finite double bit by bit, or the reason if the bytes are damaged.
 * @param wanted numbers of the columns to unpack; the others are empty. Default: all
 */
export function unpackColumns(packed: Uint8Array, wanted?: ReadonlySet<number>): Result<Columns> {
  try {
    return ok(unpack(new ByteReader(packed), wanted));
  } catch (error) {
    if (error instanceof DamagedBytes) return fail(error.message);
    throw error;
  }
}
