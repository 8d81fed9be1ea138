/**
 * Binds operators to their operands. The grammar hangs a modifier such as `offset` on everything to its left and a
 * minus on the number behind it, so each run of operands and operators is taken apart and put together again by
 * Prometheus' precedences.
 */
import type { Binary, BinaryOperator, Expr, Matching, Span } from "./ast.ts";

/** A piece of a run: an operand, a sign before one, or an operator between two. */
export type Piece =
  | { readonly kind: "operand"; readonly expr: Expr }
  | { readonly kind: "sign"; readonly operator: "+" | "-"; readonly from: number }
  | {
      readonly kind: "operator";
      readonly operator: BinaryOperator;
      readonly span: Span;
      readonly bool: boolean;
      readonly matching: Matching;
    };

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  ...{ or: 1, and: 2, unless: 2 },
  ...{ "==": 3, "!=": 3, ">": 3, "<": 3, ">=": 3, "<=": 3 },
  ...{ "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, atan2: 5 },
  "^": 6,
};
/** A sign binds as tightly as `*`, so of the operators only `^` comes before it: -1 ^ 2 is -(1 ^ 2). */
const SIGN_OPERAND = 6;

/** Builds the tree of a run. The pieces form a valid one. */
export function bind(pieces: readonly Piece[]): Expr {
  let at = 0;

  function operand(): Expr {
    const piece = pieces[at++]!;
    if (piece.kind === "operand") return piece.expr;
    if (piece.kind === "operator") throw new Error(`an operand must follow an operator, got ${piece.operator}`);
    const inner = expression(SIGN_OPERAND);
    const span = { from: piece.from, to: inner.span.to };
    if (inner.kind === "number") return { ...inner, span, value: piece.operator === "-" ? -inner.value : inner.value };
    return { kind: "unary", span, operator: piece.operator, operand: inner };
  }

  function expression(least: number): Expr {
    let left = operand();
    for (let piece = pieces[at]; piece?.kind === "operator"; piece = pieces[at]) {
      const precedence = PRECEDENCE[piece.operator];
      if (precedence < least) break;
      at++;
      const right: Expr = expression(piece.operator === "^" ? precedence : precedence + 1);
      left = {
        kind: "binary",
        span: { from: left.span.from, to: right.span.to },
        operatorSpan: piece.span,
        operator: piece.operator,
        bool: piece.bool,
        matching: piece.matching,
        left,
        right,
      } satisfies Binary;
    }
    return left;
  }

  return expression(0);
}
