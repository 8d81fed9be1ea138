/**
 * Times and values of one block, packed: the same bytes lie in batches and in buckets.
 *
 * Version byte; number of times; number of columns; the times as a number column. Then the presence patterns: how many,
 * and a bitmap each; columns that hold a value at every time need none. Then each column: its pattern, where there are
 * any (0: every time), and its values as a number column.
 */
import { ByteReader, DamagedBytes } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { NumberColumn, readNumberColumn } from "./number-column.ts";
import { fail, ok, type Result } from "./result.ts";

export interface Columns {
  /** Milliseconds since the epoch, strictly ascending. */
  readonly at: Float64Array;
  /** One column per series, as long as `at`; NaN where the series has no reading at that time. */
  readonly values: readonly Float64Array[];
}

/** Times × columns of one block: what unpacking it may take is 8 bytes each. */
export const MAX_BLOCK_CELLS = 1 << 20;

const VERSION = 1;
const EVERY_TIME = 0;

/** One character per byte, a different one for each: makes a bitmap a key. */
const LATIN1 = new TextDecoder("latin1");

/** Packs block after block with the same scratch memory. */
export class ColumnPacker {
  readonly #out = new ByteWriter(64 * 1024);
  readonly #numbers = new NumberColumn();
  #present = new Float64Array(256);

  /** Deterministic: equal columns give equal bytes on every runtime. At most `MAX_BLOCK_CELLS`. */
  pack({ at, values }: Columns): Uint8Array {
    const out = this.#out;
    const times = at.length;
    out.reset();
    out.byte(VERSION);
    out.varint(times);
    out.varint(values.length);
    this.#numbers.write(out, at, times);
    if (this.#present.length < times) this.#present = new Float64Array(times);
    const patterns = findPatterns(values, times);
    out.varint(patterns.bitmaps.length);
    for (const bitmap of patterns.bitmaps) out.bytes(bitmap);
    for (const [index, column] of values.entries()) {
      const pattern = patterns.ofColumn[index] as number;
      if (patterns.bitmaps.length > 0) out.varint(pattern);
      if (pattern === EVERY_TIME) this.#numbers.write(out, column, times);
      else this.#numbers.write(out, this.#present, this.#gather(column));
    }
    return out.take();
  }

  #gather(column: Float64Array): number {
    let count = 0;
    for (let tick = 0; tick < column.length; tick++) {
      const value = column[tick] as number;
      if (!Number.isNaN(value)) this.#present[count++] = value;
    }
    return count;
  }
}

/** Bitmaps of the columns with holes, each once in order of appearance; 1 + index per column, or `EVERY_TIME`. */
function findPatterns(
  values: readonly Float64Array[],
  times: number,
): { readonly bitmaps: readonly Uint8Array[]; readonly ofColumn: readonly number[] } {
  const bitmaps: Uint8Array[] = [];
  const known = new Map<string, number>();
  const ofColumn = values.map((column) => {
    let tick = 0;
    while (tick < times && !Number.isNaN(column[tick])) tick++;
    if (tick === times) return EVERY_TIME;
    const bitmap = new Uint8Array((times + 7) >> 3);
    for (tick = 0; tick < times; tick++) {
      if (!Number.isNaN(column[tick])) bitmap[tick >> 3] = (bitmap[tick >> 3] as number) | (1 << (tick & 7));
    }
    const key = LATIN1.decode(bitmap);
    const found = known.get(key);
    if (found !== undefined) return found;
    bitmaps.push(bitmap);
    known.set(key, bitmaps.length);
    return bitmaps.length;
  });
  return { bitmaps, ofColumn };
}

export const packColumns = (columns: Columns): Uint8Array => new ColumnPacker().pack(columns);

function unpack(from: ByteReader): Columns {
  const version = from.byte();
  if (version !== VERSION) throw new DamagedBytes(`columns of version ${version}, known is ${VERSION}`);
  const times = from.bounded(MAX_BLOCK_CELLS, "number of times");
  const count = from.bounded(MAX_BLOCK_CELLS, "number of columns");
  if (times * count > MAX_BLOCK_CELLS) throw new DamagedBytes(`${times} times × ${count} columns are too many`);
  if (times === 0 || count === 0) throw new DamagedBytes("a block without readings");
  const at = new Float64Array(times);
  readNumberColumn(from, at, times);
  for (let tick = 1; tick < times; tick++) {
    if ((at[tick] as number) <= (at[tick - 1] as number)) throw new DamagedBytes("times are not ascending");
  }
  const patterns = from.bounded(count, "number of patterns");
  const bitmaps = Array.from({ length: patterns }, () => from.bytes((times + 7) >> 3));
  const values = Array.from({ length: count }, () => {
    const column = new Float64Array(times);
    const bitmap = patterns === 0 ? undefined : bitmaps[from.bounded(patterns, "pattern") - 1];
    if (bitmap === undefined) readNumberColumn(from, column, times);
    else readSparse(from, column, bitmap);
    return column;
  });
  if (from.left > 0) throw new DamagedBytes(`${from.left} bytes too many`);
  return { at, values };
}

/** Reads the values to the front, then moves each to its place from the last on. */
function readSparse(from: ByteReader, column: Float64Array, bitmap: Uint8Array): void {
  let present = 0;
  for (let tick = 0; tick < column.length; tick++) present += ((bitmap[tick >> 3] as number) >> (tick & 7)) & 1;
  if (present === 0) throw new DamagedBytes("a column without readings");
  readNumberColumn(from, column, present);
  for (let tick = column.length - 1; tick >= 0; tick--) {
    const isPresent = ((bitmap[tick >> 3] as number) >> (tick & 7)) & 1;
    column[tick] = isPresent === 1 ? (column[--present] as number) : Number.NaN;
  }
}

/** Exact: every finite double comes back as it was. Damaged bytes are an error that says what is wrong. */
export function unpackColumns(packed: Uint8Array): Result<Columns> {
  try {
    return ok(unpack(new ByteReader(packed)));
  } catch (error) {
    if (error instanceof DamagedBytes) return fail(error.message);
    throw error;
  }
}
