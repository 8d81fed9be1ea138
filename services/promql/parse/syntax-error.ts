/** Errors in a query's text: where, what stands there, and what is accepted instead. */
import { PromqlError } from "../errors.ts";
import type { Span } from "./ast.ts";

/** `line:column` of a place in the query's text, both counted from 1. */
export function positionOf(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `${before.length}:${before.at(-1)!.length + 1}`;
}

/** The error of a query whose text is wrong at `span`. */
export const parseError = (text: string, span: Pick<Span, "from">, message: string): PromqlError =>
  new PromqlError(`${positionOf(text, span.from)}: parse error: ${message}`, { kind: "invalid" });

/** The word, literal or sign that begins at a place, for a message. */
function tokenAt(text: string, at: number): { from: number; shown: string } {
  const from = at + /^(?:\s|#[^\n]*(?:\n|$))*/.exec(text.slice(at))![0].length;
  const rest = text.slice(from);
  if (rest === "") return { from: text.length, shown: "end of input" };
  const word = /^(?:[A-Za-z_:][\w:]*|[\d.][\w.]*)/.exec(rest)?.[0];
  if (word !== undefined) return { from, shown: /^[\d.]/.test(word) ? `number "${word}"` : `identifier "${word}"` };
  if (/^["'`]/.test(rest)) return { from, shown: "string" };
  const operator = /^(?:==|!=|>=|<=|=~|!~|<\/|>\/|[-+*/%^<>=@,(){}[\]:])/.exec(rest)?.[0];
  if (operator !== undefined) return { from, shown: `"${operator}"` };
  return { from, shown: `character "${String.fromCodePoint(rest.codePointAt(0)!)}"` };
}

/** Where in the grammar the text stopped to make sense → what it is called and what may follow. */
const CONTEXTS: Readonly<Record<string, readonly [context: string, accepted: string]>> = {
  LabelMatchers: ["label matching", 'label matcher, "," or "}"'],
  UnquotedLabelMatcher: ["label matching", "one of =, !=, =~, !~, then a quoted string"],
  QuotedLabelMatcher: ["label matching", "one of =, !=, =~, !~, then a quoted string"],
  GroupingLabels: ["grouping opts", 'label, "," or ")"'],
  MatrixSelector: ["subquery or range", 'duration, then "]" or ":"'],
  SubqueryExpr: ["subquery selector", 'duration or "]"'],
  DurationExpr: ["duration", "number, duration, step() or range()"],
  OffsetExpr: ["offset", "number, duration, step() or range()"],
  OffsetDurationExpr: ["offset", "number, duration, step() or range()"],
  StepInvariantExpr: ["@", "timestamp, start() or end()"],
  FunctionCallBody: ["arguments", 'expression, "," or ")"'],
  AggregateExpr: ["aggregation", 'by, without, or arguments in "(" and ")"'],
  ParenExpr: ["parentheses", 'operator or ")"'],
  BinaryExpr: ["expression", "operand"],
  UnaryExpr: ["expression", "operand"],
  FillModifier: ["fill", "number in parentheses"],
};

/** The error for text that the grammar does not accept. */
export function unexpected(text: string, at: number, parent: string | undefined): PromqlError {
  const { from, shown } = tokenAt(text, at);
  const isFirst = from === tokenAt(text, 0).from;
  if (isFirst && shown === "end of input") return parseError(text, { from: 0 }, "no expression found in input");
  const elsewhere = isFirst ? "expression" : 'operator, "[", offset, @ or end of input';
  const [context, accepted] = CONTEXTS[parent ?? ""] ?? ["", elsewhere];
  const where = context === "" ? "" : ` in ${context}`;
  return parseError(text, { from }, `unexpected ${shown}${where}, expected ${accepted}`);
}
