/** and, or, unless: which rows have a partner, judged at each step. */
import type { Binary } from "../parse/ast.ts";
import { type Block, createBlock, mergeEqualRows } from "./block.ts";
import { pairRows } from "./signatures.ts";

/** Of each signature and step, whether any row has a value: 1 or 0. */
function presence(block: Block, numbers: Int32Array, count: number): Uint8Array {
  const { steps, present } = block;
  const found = new Uint8Array(count * steps);
  numbers.forEach((number, row) => {
    const from = row * steps;
    const to = number * steps;
    for (let step = 0; step < steps; step++) if (present[from + step] === 1) found[to + step] = 1;
  });
  return found;
}

/** Removes the values whose signature is (`keepIf` 0) or is not (1) in `found` at that step. */
function filter(block: Block, numbers: Int32Array, found: Uint8Array, keepIf: 0 | 1): void {
  const { steps, present } = block;
  numbers.forEach((number, row) => {
    const from = row * steps;
    const to = number * steps;
    for (let step = 0; step < steps; step++) if (found[to + step] !== keepIf) present[from + step] = 0;
  });
}

function concatenate(left: Block, right: Block): Block {
  const rows = left.labels.length;
  const { steps } = left;
  const block = createBlock(rows + right.labels.length, steps);
  block.labels = [...left.labels, ...right.labels];
  block.values.set(left.values.subarray(0, rows * steps));
  block.present.set(left.present.subarray(0, rows * steps));
  block.values.set(right.values.subarray(0, right.labels.length * steps), rows * steps);
  block.present.set(right.present.subarray(0, right.labels.length * steps), rows * steps);
  if (left.dropName !== null || right.dropName !== null) {
    const marks = new Uint8Array(block.labels.length);
    if (left.dropName !== null) marks.set(left.dropName);
    if (right.dropName !== null) marks.set(right.dropName, rows);
    block.dropName = marks;
  }
  return block;
}

export function evaluateSet(expr: Binary, left: Block, right: Block): Block {
  const pairing = pairRows(expr.matching, left.labels, right.labels);
  if (expr.operator === "or") {
    filter(right, pairing.right, presence(left, pairing.left, pairing.count), 0);
    return mergeEqualRows(concatenate(left, right));
  }
  filter(left, pairing.left, presence(right, pairing.right, pairing.count), expr.operator === "and" ? 1 : 0);
  return left;
}
