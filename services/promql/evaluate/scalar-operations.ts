/** Operators of which at least one side is a scalar. */
import type { Binary } from "../parse/ast.ts";
import { type Block, dropNames } from "./block.ts";
import { numberOperation } from "./operators.ts";

export function betweenScalars(expr: Binary, left: Float64Array, right: Float64Array): Float64Array {
  const operation = numberOperation(expr.operator);
  if (operation.kind === "value") return left.map((value, step) => operation.of(value, right[step]!));
  return left.map((value, step) => (operation.of(value, right[step]!) ? 1 : 0));
}

/** @param isSwapped the scalar is the left side */
export function withScalar(
  expr: Binary,
  block: Block,
  scalar: Float64Array,
  isSwapped: boolean,
  delayedNames: boolean,
): Block {
  const operation = numberOperation(expr.operator);
  const { values, present, steps, labels } = block;
  const cells = labels.length * steps;
  for (let cell = 0, step = 0; cell < cells; cell++, step++) {
    if (step === steps) step = 0;
    if (present[cell] === 0) continue;
    const own = values[cell]!;
    const other = scalar[step]!;
    const a = isSwapped ? other : own;
    const b = isSwapped ? own : other;
    if (operation.kind === "value") values[cell] = operation.of(a, b);
    else if (expr.bool) values[cell] = operation.of(a, b) ? 1 : 0;
    else if (!operation.of(a, b)) present[cell] = 0;
  }
  return operation.kind === "value" || expr.bool ? dropNames(block, delayedNames) : block;
}
