/** Lengths of time in a query's text, and the arithmetic between them. */
import type { SyntaxNode } from "@lezer/common";
import { failed, type PromqlError } from "../errors.ts";
import type { Duration } from "./ast.ts";
import { numberOf } from "./literals.ts";
import { parseError } from "./syntax-error.ts";

type BinaryDuration = Extract<Duration, { kind: "binary" }>;

const OPERATORS: Readonly<Record<string, BinaryDuration["operator"]>> = {
  ...{ Add: "+", Sub: "-", Mul: "*", Div: "/", Mod: "%", Pow: "^" },
};

/** The duration of a node of the grammar. */
export function durationOf(node: SyntaxNode, text: string): Duration {
  const parts: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) parts.push(child);
  const [first, second, third] = parts;
  switch (first?.name) {
    case "NumberDurationLiteralInDurationContext":
      return { kind: "constant", seconds: numberOf(text.slice(first.from, first.to)) };
    case "DurationStep":
      return { kind: "step" };
    case "DurationRange":
      return { kind: "range" };
    case "DurationMinOf":
    case "DurationMaxOf": {
      const operator = first.name === "DurationMinOf" ? "min_of" : "max_of";
      return { kind: "binary", operator, left: durationOf(second!, text), right: durationOf(third!, text) };
    }
    case "UnaryOp": {
      const operand = durationOf(second!, text);
      return text[first.from] === "-" ? { kind: "negate", operand } : operand;
    }
    default:
  }
  const operator = OPERATORS[second?.name ?? ""];
  // Parentheses leave no other trace than a node inside a node.
  if (operator === undefined) return durationOf(first!, text);
  return { kind: "binary", operator, left: durationOf(first!, text), right: durationOf(third!, text) };
}

function isPositive(duration: Duration): boolean {
  return duration.kind !== "constant" || duration.seconds > 0;
}

/** The duration of a range or a resolution. @throws PromqlError when it can be seen not to be positive */
export function positiveDurationOf(node: SyntaxNode, text: string): Duration {
  const duration = durationOf(node, text);
  if (!isPositive(duration)) throw parseError(text, node, "duration must be greater than 0");
  return duration;
}

function evaluate(duration: Duration, step: number, range: number): number {
  switch (duration.kind) {
    case "constant":
      return duration.seconds;
    case "step":
      return step;
    case "range":
      return range;
    case "negate":
      return -evaluate(duration.operand, step, range);
    case "binary": {
      const left = evaluate(duration.left, step, range);
      const right = evaluate(duration.right, step, range);
      return combine(duration.operator, left, right);
    }
    default:
      return duration satisfies never;
  }
}

function combine(operator: BinaryDuration["operator"], left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    case "^":
      return left ** right;
    case "min_of":
      return Math.min(left, right);
    case "max_of":
      return Math.max(left, right);
    default:
      return operator satisfies never;
  }
}

/** Longer ones do not fit into Prometheus' durations of 64-bit nanoseconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Milliseconds of a duration, for a query with this step and range (both in milliseconds). */
export function durationMs(duration: Duration, query: { readonly step: number; readonly range: number }): number {
  const seconds = evaluate(duration, query.step / 1000, query.range / 1000);
  if (!(Math.abs(seconds) <= MAX_SECONDS)) throw outOfRange(seconds);
  // Rounded to nanoseconds first: 0.001 s × 1000 is not exactly 1.
  return Math.trunc(Math.round(seconds * 1e9) / 1e6);
}

export function positiveDurationMs(
  duration: Duration,
  query: { readonly step: number; readonly range: number },
): number {
  const ms = durationMs(duration, query);
  if (ms <= 0) throw failed(`duration must be greater than 0, got ${ms / 1000} s`);
  return ms;
}

const outOfRange = (seconds: number): PromqlError => failed(`duration must be at most 292 years, got ${seconds} s`);
