/** Arithmetic and comparisons between two instant vectors. */
import { failed, type PromqlError } from "../errors.ts";
import {
  dropMetadata,
  filterLabels,
  formatLabels,
  isMetadata,
  keyOf,
  type Labels,
  labelValue,
  withLabel,
} from "../labels.ts";
import type { Binary, Matching } from "../parse/ast.ts";
import { type Block, RowCollector } from "./block.ts";
import { numberOperation } from "./operators.ts";
import type { Query } from "./query.ts";
import { groupRows, pairRows } from "./signatures.ts";

function matchedLabels({ on, labels }: Matching, row: Labels): Labels {
  return filterLabels(row, (name) => (on ? labels.includes(name) : !labels.includes(name) && !isMetadata(name)));
}

function duplicateError(matching: Matching, first: Labels, second: Labels): PromqlError {
  const side = matching.group === "right" ? "left" : "right";
  const group = formatLabels(matchedLabels(matching, first));
  const pair = [formatLabels(first), formatLabels(second)].sort().join(", ");
  return failed(
    `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: [${pair}]` +
      ";many-to-many matching not allowed: matching labels must be unique on one side",
  );
}

/** The labels of a result: those of the side that may have many, and what the matching adds. */
function resultLabels(expr: Binary, keepsName: boolean, many: Labels, one: Labels): Labels {
  const { matching } = expr;
  let labels = keepsName ? many : dropMetadata(many);
  if (matching.group === "none") {
    labels = filterLabels(labels, (name) => matching.labels.includes(name) === matching.on);
  }
  for (const name of matching.include) labels = withLabel(labels, name, labelValue(one, name));
  return labels;
}

/** One side of an operation; `many` may have several rows of a signature at one step, `one` may not. */
interface Sides {
  readonly many: Block;
  readonly one: Block;
  readonly isSwapped: boolean;
}

/** 1 for the steps at which any row has a value. */
function occupiedSteps({ steps, present, labels }: Block): Uint8Array {
  const occupied = new Uint8Array(steps);
  for (let cell = 0; cell < labels.length * steps; cell++) if (present[cell] === 1) occupied[cell % steps] = 1;
  return occupied;
}

/** @throws PromqlError when two rows of the side that must be unique have a value at the same step */
function checkUnique(rows: readonly number[], { one }: Sides, occupied: Uint8Array, matching: Matching): void {
  for (let step = 0; step < one.steps; step++) {
    if (occupied[step] === 0) continue;
    let found = -1;
    for (const row of rows) {
      if (one.present[row * one.steps + step] === 0) continue;
      if (found >= 0) throw duplicateError(matching, one.labels[row]!, one.labels[found]!);
      found = row;
    }
  }
}

const MANY_TO_ONE = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches";

/** Computes the pairs of one operation into the rows of its result. */
class PairOperation {
  readonly #expr: Binary;
  readonly #sides: Sides;
  readonly #output: RowCollector;
  readonly #operation: ReturnType<typeof numberOperation>;
  readonly #keepsName: boolean;
  readonly #dropMark: number;

  constructor(expr: Binary, sides: Sides, output: RowCollector, delayedNames: boolean) {
    this.#expr = expr;
    this.#sides = sides;
    this.#output = output;
    this.#operation = numberOperation(expr.operator);
    // Prometheus drops the name of arithmetic at once, and that of `bool` by the mark.
    this.#keepsName = this.#operation.kind === "test" && !(expr.bool && !delayedNames);
    this.#dropMark = expr.bool && delayedNames ? 1 : 0;
  }

  /** @param taken labels and steps of this signature that have a match already; null where there can be only one */
  run(many: number, one: number, taken: Map<string, Uint8Array> | null): void {
    const { many: left, one: right } = this.#sides;
    const { steps } = left;
    const fromMany = many * steps;
    const fromOne = one * steps;
    let row = -1;
    let labels: Labels | null = null;
    let used: Uint8Array | null = null;
    for (let step = 0; step < steps; step++) {
      if (left.present[fromMany + step] === 0 || right.present[fromOne + step] === 0) continue;
      labels ??= resultLabels(this.#expr, this.#keepsName, left.labels[many]!, right.labels[one]!);
      if (taken !== null) {
        used ??= this.#usedSteps(taken, labels, steps);
        if (used[step] === 1) throw failed(this.#expr.matching.group === "none" ? MANY_TO_ONE : NOT_UNIQUE);
        used[step] = 1;
      }
      const value = this.#value(left.values[fromMany + step]!, right.values[fromOne + step]!);
      if (value === undefined) continue;
      if (row < 0) row = this.#output.rowOf(keyOf(labels), () => labels!, this.#dropMark);
      if (this.#output.has(row, step)) throw failed("vector cannot contain metrics with the same labelset");
      this.#output.set(row, step, value);
    }
  }

  /** With a one-to-one matching any second match is wrong, otherwise a second one with the same labels. */
  #usedSteps(taken: Map<string, Uint8Array>, labels: Labels, steps: number): Uint8Array {
    const key = this.#expr.matching.group === "none" ? "" : keyOf(labels);
    const known = taken.get(key);
    if (known !== undefined) return known;
    const used = new Uint8Array(steps);
    taken.set(key, used);
    return used;
  }

  #value(many: number, one: number): number | undefined {
    const { isSwapped } = this.#sides;
    const a = isSwapped ? one : many;
    const b = isSwapped ? many : one;
    if (this.#operation.kind === "value") return this.#operation.of(a, b);
    const holds = this.#operation.of(a, b);
    if (this.#expr.bool) return holds ? 1 : 0;
    return holds ? a : undefined;
  }
}

export async function evaluateMatching(expr: Binary, left: Block, right: Block, query: Query): Promise<Block> {
  const { matching } = expr;
  const isSwapped = matching.group === "right";
  const sides: Sides = isSwapped ? { many: right, one: left, isSwapped } : { many: left, one: right, isSwapped };
  const pairing = pairRows(matching, sides.many.labels, sides.one.labels);
  const ones = groupRows(pairing.right, pairing.count);
  const manys = groupRows(pairing.left, pairing.count);
  const output = new RowCollector(left.steps, sides.many.labels.length);
  const operation = new PairOperation(expr, sides, output, query.state.delayedNames);
  const doubles = ones.filter((rows) => rows.length > 1);
  if (doubles.length > 0) {
    // Judged also where no row of the other side has this signature, as Prometheus does.
    const occupied = occupiedSteps(sides.many);
    for (const rows of doubles) checkUnique(rows, sides, occupied, matching);
  }
  for (let number = 0; number < pairing.count; number++) {
    const taken = manys[number]!.length > 1 || ones[number]!.length > 1 ? new Map<string, Uint8Array>() : null;
    for (const many of manys[number]!) {
      for (const one of ones[number]!) {
        operation.run(many, one, taken);
        if (query.isDue(left.steps)) await query.pause();
      }
    }
  }
  return output.block();
}
