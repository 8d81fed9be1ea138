/** The arithmetic and the comparisons of PromQL between two numbers. */
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator } from "../parse/ast.ts";
import { isComparison, isSet } from "../parse/ast.ts";

/** As C and Go define it: 1 to any power and -1 to an infinite one are 1. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

const ARITHMETIC: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "^": power,
  atan2: Math.atan2,
};

const COMPARE: Readonly<Record<ComparisonOperator, (a: number, b: number) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
};

/** An operator between numbers: a value for both, or a test of them. */
export type NumberOperation =
  | { readonly kind: "value"; readonly of: (a: number, b: number) => number }
  | { readonly kind: "test"; readonly of: (a: number, b: number) => boolean };

/** @throws Error for a set operator, which the type check keeps from numbers */
export function numberOperation(operator: BinaryOperator): NumberOperation {
  if (isSet(operator)) throw new Error(`operator must be arithmetic or a comparison, got ${operator}`);
  if (isComparison(operator)) return { kind: "test", of: COMPARE[operator] };
  return { kind: "value", of: ARITHMETIC[operator] };
}
