/** The syntax tree of a query. */
import type { Matcher } from "../matcher.ts";

/** Characters `[from, to)` of the query's text. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type ValueType = "scalar" | "vector" | "matrix" | "string";

export interface FunctionSignature {
  readonly name: string;
  /** The last one stands for all further arguments, too. */
  readonly parameters: readonly ValueType[];
  /** How many of the last parameters may be missing or repeated; Infinity: any number. 0: exactly the parameters. */
  readonly variadic: number;
  readonly result: ValueType;
}

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
export type ComparisonOperator = "==" | "!=" | ">" | "<" | ">=" | "<=";
export type SetOperator = "and" | "or" | "unless";
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

/** Lengths of time, in milliseconds; some depend on the query's step and range, and are known only when it runs. */
export type Duration =
  | { readonly kind: "constant"; readonly seconds: number }
  | { readonly kind: "step" | "range" }
  | { readonly kind: "negate"; readonly operand: Duration }
  | {
      readonly kind: "binary";
      readonly operator: "+" | "-" | "*" | "/" | "%" | "^" | "min_of" | "max_of";
      readonly left: Duration;
      readonly right: Duration;
    };

/** Where `@` moves the evaluation: a time in milliseconds, or an end of the query's range. */
export type AtTime = number | "start" | "end";

export interface NumberLiteral {
  readonly kind: "number";
  readonly span: Span;
  readonly value: number;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly span: Span;
  readonly value: string;
  /** As written, with its quotes. */
  readonly text: string;
  /** Whether the escapes form valid UTF-8. */
  readonly isText: boolean;
}

/** What follows a selector or a subquery. */
export interface Shift {
  readonly offset: Duration | null;
  readonly at: AtTime | null;
}

export interface VectorSelector extends Shift {
  readonly kind: "selector";
  readonly span: Span;
  readonly matchers: readonly Matcher[];
}

export interface MatrixSelector {
  readonly kind: "matrix";
  readonly span: Span;
  readonly selector: VectorSelector;
  readonly range: Duration;
}

export interface Subquery extends Shift {
  readonly kind: "subquery";
  readonly span: Span;
  readonly operand: Expr;
  readonly range: Duration;
  /** Null: the default resolution. */
  readonly step: Duration | null;
}

export interface Paren {
  readonly kind: "paren";
  readonly span: Span;
  readonly operand: Expr;
}

export interface Unary {
  readonly kind: "unary";
  readonly span: Span;
  readonly operator: "+" | "-";
  readonly operand: Expr;
}

export interface Matching {
  /** `on` (true) or `ignoring` (false). */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Which side may have several series of one signature. */
  readonly group: "none" | "left" | "right";
  /** Labels that `group_left` and `group_right` copy from the other side. */
  readonly include: readonly string[];
  readonly isWritten: boolean;
}

export interface Binary {
  readonly kind: "binary";
  readonly span: Span;
  readonly operatorSpan: Span;
  readonly operator: BinaryOperator;
  readonly bool: boolean;
  readonly matching: Matching;
  readonly left: Expr;
  readonly right: Expr;
}

export interface Aggregate {
  readonly kind: "aggregate";
  readonly span: Span;
  readonly operator: string;
  /** `without` (true) or `by` (false). */
  readonly without: boolean;
  readonly labels: readonly string[];
  readonly parameter: Expr | null;
  readonly operand: Expr;
}

export interface Call {
  readonly kind: "call";
  readonly span: Span;
  readonly signature: FunctionSignature;
  readonly arguments: readonly Expr[];
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Paren
  | Unary
  | Binary
  | Aggregate
  | Call;

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "selector":
    case "aggregate":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "paren":
    case "unary":
      return typeOf(expr.operand);
    case "binary":
      return typeOf(expr.left) === "scalar" && typeOf(expr.right) === "scalar" ? "scalar" : "vector";
    case "call":
      return expr.signature.result;
    default:
      return expr satisfies never;
  }
}

export function unwrap(expr: Expr): Expr {
  return expr.kind === "paren" ? unwrap(expr.operand) : expr;
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", ">", "<", ">=", "<="]);
const SETS: ReadonlySet<string> = new Set(["and", "or", "unless"]);
export const isComparison = (operator: BinaryOperator): operator is ComparisonOperator => COMPARISONS.has(operator);
export const isSet = (operator: BinaryOperator): operator is SetOperator => SETS.has(operator);
