/** topk and bottomk: the largest and smallest values of each group, judged at each step. */
import { failed } from "../errors.ts";
import type { Aggregate } from "../parse/ast.ts";
import { groupsOf } from "./aggregate.ts";
import { type Block, createBlock, pickRows } from "./block.ts";
import type { Query } from "./query.ts";

/** Rows and their values, the worst of them first, in a heap as Go keeps it: the heap decides between equal values. */
class Best {
  readonly #isWorse: (a: number, b: number) => boolean;
  readonly rows: number[] = [];
  readonly values: number[] = [];

  constructor(isWorse: (a: number, b: number) => boolean) {
    this.#isWorse = isWorse;
  }

  add(row: number, value: number, limit: number): void {
    const { rows, values } = this;
    if (rows.length < limit) {
      rows.push(row);
      values.push(value);
      this.#rise(rows.length - 1);
      return;
    }
    const worst = values[0]!;
    const isBetter = Number.isNaN(worst) ? !Number.isNaN(value) : this.#isWorse(worst, value) && !Number.isNaN(value);
    if (!isBetter) return;
    rows[0] = row;
    values[0] = value;
    this.#sink(0);
  }

  /** NaN is worse than every number. */
  #less(a: number, b: number): boolean {
    return Number.isNaN(this.values[a]!) || this.#isWorse(this.values[a]!, this.values[b]!);
  }

  #swap(a: number, b: number): void {
    const { rows, values } = this;
    [rows[a], rows[b]] = [rows[b]!, rows[a]!];
    [values[a], values[b]] = [values[b]!, values[a]!];
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#less(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      if (left >= this.rows.length) return;
      const child = left + 1 < this.rows.length && this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#less(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  /** The rows, the best first and NaN last. */
  ordered(): number[] {
    const order = this.rows.map((_, index) => index);
    const { values } = this;
    order.sort((a, b) => {
      const [left, right] = [values[a]!, values[b]!];
      if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
      if (Number.isNaN(right)) return -1;
      return this.#isWorse(right, left) ? -1 : this.#isWorse(left, right) ? 1 : 0;
    });
    return order.map((index) => this.rows[index]!);
  }
}

const LIMIT = 2 ** 63;

function checkCounts(counts: Float64Array): void {
  if (counts.some(Number.isNaN)) throw failed("Parameter value is NaN");
  const low = counts.find((count) => count <= -LIMIT);
  if (low !== undefined) throw failed(`Scalar value ${low} underflows int64`);
  const high = counts.find((count) => count >= LIMIT);
  if (high !== undefined) throw failed(`Scalar value ${high} overflows int64`);
}

/** @param counts how many rows of each group stay, at each step */
export async function evaluateTopk(expr: Aggregate, counts: Float64Array, block: Block, query: Query): Promise<Block> {
  const { steps, values, present, labels } = block;
  const most = counts.reduce((a, b) => (Number.isNaN(a) || a > b ? a : b), Number.NEGATIVE_INFINITY);
  if (most < 1) return createBlock(0, steps);
  checkCounts(counts);
  const groups = groupsOf(expr, block);
  const isTop = expr.operator === "topk";
  const isWorse = isTop ? (a: number, b: number) => a < b : (a: number, b: number) => a > b;
  const kept = new Uint8Array(labels.length * steps);
  let order: number[] = [];
  for (let step = 0; step < steps; step++) {
    const limit = Math.min(Math.trunc(counts[step]!), labels.length);
    if (limit < 1) continue;
    const best = groups.labels.map(() => new Best(isWorse));
    for (let row = 0; row < labels.length; row++) {
      const cell = row * steps + step;
      if (present[cell] === 1) best[groups.ofRow[row]!]!.add(row, values[cell]!, limit);
    }
    order = best.flatMap((group) => group.ordered());
    for (const row of order) kept[row * steps + step] = 1;
    if (query.isDue(labels.length)) await query.pause();
  }
  block.present = kept;
  // A single step keeps the order of the values; a range is sorted by labels in the end.
  return steps === 1 ? pickRows(block, order) : block;
}
