/** Intermediate results: one row per series, one column per step. */
import { failed } from "../errors.ts";
import { dropMetadata, keyOf, type Labels, labelValue, METRIC_NAME } from "../labels.ts";

/** Whoever gets a block from `evaluate` owns it, and may change it in place. */
export interface Block {
  readonly steps: number;
  /** Of each row. Two rows may have equal labels only while they share no step. */
  labels: Labels[];
  /** Row-major: row `r` has its value of step `s` at `r * steps + s`. May be longer than needed. */
  values: Float64Array;
  /** 1 where the row has a value. */
  present: Uint8Array;
  /** 1 for rows that lose their name at the query's end; null: none does, or names go at once. */
  dropName: Uint8Array | null;
}

export function createBlock(rows: number, steps: number): Block {
  const cells = rows * steps;
  return { steps, labels: [], values: new Float64Array(cells), present: new Uint8Array(cells), dropName: null };
}

const SAME_LABELS = "vector cannot contain metrics with the same labelset";

/**
 * Joins rows with equal labels.
 *
 * @throws PromqlError when two of them have a value at the same step
 */
export function mergeEqualRows(block: Block): Block {
  const { steps, labels, values, present } = block;
  const rowOf = new Map<string, number>();
  let isMerged = false;
  for (let row = 0; row < labels.length; row++) {
    const key = keyOf(labels[row]!);
    const first = rowOf.get(key);
    if (first === undefined) {
      rowOf.set(key, row);
      continue;
    }
    isMerged = true;
    for (let step = 0; step < steps; step++) {
      const from = row * steps + step;
      if (present[from] === 0) continue;
      const to = first * steps + step;
      if (present[to] === 1) throw failed(SAME_LABELS);
      values[to] = values[from]!;
      present[to] = 1;
      present[from] = 0;
    }
  }
  return isMerged ? pickRows(block, [...rowOf.values()]) : block;
}

/** The block of these rows, in this order. */
export function pickRows(block: Block, rows: readonly number[]): Block {
  const { steps, labels, values, present, dropName } = block;
  const picked = createBlock(rows.length, steps);
  picked.labels = rows.map((row) => labels[row]!);
  rows.forEach((row, to) => {
    picked.values.set(values.subarray(row * steps, (row + 1) * steps), to * steps);
    picked.present.set(present.subarray(row * steps, (row + 1) * steps), to * steps);
  });
  if (dropName !== null) picked.dropName = Uint8Array.from(rows, (row) => dropName[row]!);
  return picked;
}

function sharesName(labels: readonly Labels[]): boolean {
  if (labels.length < 2) return true;
  const name = labelValue(labels[0]!, METRIC_NAME);
  return name !== "" && labels.every((row) => labelValue(row, METRIC_NAME) === name);
}

/** Removes the names of all rows: at once, or by a mark that takes effect at the query's end. */
export function dropNames(block: Block, isDelayed: boolean): Block {
  if (isDelayed) {
    block.dropName = new Uint8Array(block.labels.length).fill(1);
    return block;
  }
  // Rows of one metric differ in something else, so that they stay different.
  const isSafe = sharesName(block.labels);
  block.labels = block.labels.map(dropMetadata);
  return isSafe ? block : mergeEqualRows(block);
}

/** Carries out the marks of `dropNames`. */
export function applyDroppedNames(block: Block): Block {
  const { dropName } = block;
  if (dropName === null || !dropName.includes(1)) return block;
  block.labels = block.labels.map((labels, row) => (dropName[row] === 1 ? dropMetadata(labels) : labels));
  block.dropName = null;
  return mergeEqualRows(block);
}

/** Collects rows whose number is not known beforehand; `rowOf` finds or adds one by a key. */
export class RowCollector {
  readonly #steps: number;
  readonly #rows = new Map<string, number>();
  readonly #labels: Labels[] = [];
  readonly #dropName: number[] = [];
  #values: Float64Array;
  #present: Uint8Array;

  constructor(steps: number, expected: number) {
    this.#steps = steps;
    const cells = Math.max(1, expected) * steps;
    this.#values = new Float64Array(cells);
    this.#present = new Uint8Array(cells);
  }

  rowOf(key: string, labels: () => Labels, dropName = 0): number {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#labels.length;
    this.#rows.set(key, row);
    this.#labels.push(labels());
    this.#dropName.push(dropName);
    if ((row + 1) * this.#steps > this.#values.length) this.#grow();
    return row;
  }

  set(row: number, step: number, value: number): void {
    const cell = row * this.#steps + step;
    this.#values[cell] = value;
    this.#present[cell] = 1;
  }

  /** The value of a step, 0 where there is none. */
  get(row: number, step: number): number {
    return this.#values[row * this.#steps + step]!;
  }

  has(row: number, step: number): boolean {
    return this.#present[row * this.#steps + step] === 1;
  }

  #grow(): void {
    const values = new Float64Array(this.#values.length * 2);
    const present = new Uint8Array(values.length);
    values.set(this.#values);
    present.set(this.#present);
    this.#values = values;
    this.#present = present;
  }

  block(): Block {
    const dropName = this.#dropName.includes(1) ? Uint8Array.from(this.#dropName) : null;
    return { steps: this.#steps, labels: this.#labels, values: this.#values, present: this.#present, dropName };
  }
}
