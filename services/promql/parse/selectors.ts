/** Selectors and what may follow them: ranges, subqueries, `offset` and `@`. */
import type { SyntaxNode } from "@lezer/common";
import { PromqlError } from "../errors.ts";
import { METRIC_NAME } from "../labels.ts";
import { createMatcher, type Matcher, type MatchOperator } from "../matcher.ts";
import type { AtTime, Expr, Shift, VectorSelector } from "./ast.ts";
import { durationOf, positiveDurationOf } from "./durations.ts";
import { numberOf, type Quoted, unquote } from "./literals.ts";
import { RANGE_ADVICE } from "./metricsql.ts";
import { parseError } from "./syntax-error.ts";

/** The text of a quoted literal. */
export function quotedOf(node: SyntaxNode, text: string): Quoted {
  const quoted = unquote(text.slice(node.from, node.to));
  if (quoted !== null) return quoted;
  const isOpen = node.to - node.from < 2 || text[node.to - 1] !== text[node.from];
  throw parseError(text, node, isOpen ? "unterminated quoted string" : "unknown escape sequence in a quoted string");
}

/** The name in a label matcher or a grouping, quoted or not. */
export function labelNameOf(node: SyntaxNode, text: string): string {
  if (node.name !== "QuotedLabelName") return text.slice(node.from, node.to);
  const { value, isText } = quotedOf(node.firstChild!, text);
  if (value === "" || !isText) throw parseError(text, node, `invalid label name: ${text.slice(node.from, node.to)}`);
  return value;
}

function matcherOf(node: SyntaxNode, text: string): Matcher {
  if (node.name === "QuotedLabelName") return createMatcher(METRIC_NAME, "=", labelNameOf(node, text));
  const name = labelNameOf(node.firstChild!, text);
  const operator = node.getChild("MatchOp")!;
  const { value } = quotedOf(node.lastChild!, text);
  try {
    return createMatcher(name, text.slice(operator.from, operator.to) as MatchOperator, value);
  } catch (error) {
    if (error instanceof PromqlError) throw parseError(text, node, error.message);
    throw error;
  }
}

export function selectorOf(node: SyntaxNode, text: string): VectorSelector {
  const identifier = node.getChild("Identifier");
  const matchers: Matcher[] = [];
  for (let child = node.getChild("LabelMatchers")?.firstChild ?? null; child !== null; child = child.nextSibling) {
    const matcher = matcherOf(child, text);
    const isSecondName = child.name === "QuotedLabelName" && matchers.some(({ name }) => name === METRIC_NAME);
    if (matcher.name === METRIC_NAME && (identifier !== null || isSecondName)) {
      const first = identifier === null ? "" : text.slice(identifier.from, identifier.to);
      throw parseError(text, node, `metric name must not be set twice: "${first}" or "${matcher.value}"`);
    }
    matchers.push(matcher);
  }
  if (identifier !== null) matchers.push(createMatcher(METRIC_NAME, "=", text.slice(identifier.from, identifier.to)));
  return { kind: "selector", span: { from: node.from, to: node.to }, matchers, offset: null, at: null };
}

/** Applies `offset` or `@` to the operand that it follows. */
function shifted(operand: Expr, node: SyntaxNode, text: string, word: string, shift: Partial<Shift>): Expr {
  const target = operand.kind === "matrix" ? operand.selector : operand;
  if (target.kind !== "selector" && target.kind !== "subquery") {
    const accepted = "an instant vector selector or range vector selector or a subquery";
    throw parseError(text, operand.span, `${word} modifier must be preceded by ${accepted}`);
  }
  const isTwice = shift.offset === undefined ? target.at !== null : target.offset !== null;
  const name = shift.offset === undefined ? "@ <timestamp>" : "offset";
  if (isTwice) throw parseError(text, operand.span, `${name} may not be set multiple times`);
  const span = { from: operand.span.from, to: node.to };
  if (operand.kind === "matrix") return { ...operand, span, selector: { ...operand.selector, ...shift } };
  return { ...target, span, ...shift };
}

function atOf(node: SyntaxNode, text: string): AtTime {
  const word = node.getChild("AtModifierPreprocessors");
  if (word !== null) return word.firstChild?.name === "AtStart" ? "start" : "end";
  const literal = node.getChild("NumberDurationLiteral")!;
  const signed = text.slice(literal.from, literal.to).replaceAll(/\s/g, "");
  const seconds = signed.startsWith("-") ? -numberOf(signed.slice(1)) : numberOf(signed.replace(/^\+/, ""));
  if (!(Math.abs(seconds) < 2 ** 63 / 1000)) {
    throw parseError(text, literal, `timestamp out of bounds for @ modifier: ${signed}`);
  }
  return Math.round(seconds * 1000);
}

/** Applies a node that follows an operand: the grammar gives it the whole run, `operand` is the run's last operand. */
export function postfixed(operand: Expr, node: SyntaxNode, text: string): Expr {
  const span = { from: operand.span.from, to: node.to };
  switch (node.name) {
    case "OffsetExpr": {
      const offset = durationOf(node.getChild("OffsetDurationExpr")!, text);
      return shifted(operand, node, text, "offset", { offset });
    }
    case "StepInvariantExpr":
      return shifted(operand, node, text, "@", { at: atOf(node, text) });
    case "MatrixSelector": {
      const duration = node.getChild("DurationExpr")!;
      const bracket = { from: text.lastIndexOf("[", duration.from) };
      if (operand.kind !== "selector") {
        throw parseError(text, bracket, `ranges only allowed for vector selectors; ${RANGE_ADVICE}`);
      }
      const modifier = operand.offset !== null ? "offset" : operand.at !== null ? "@" : null;
      if (modifier !== null) throw parseError(text, bracket, `no ${modifier} modifiers allowed before range`);
      return { kind: "matrix", span, selector: { ...operand, span }, range: positiveDurationOf(duration, text) };
    }
    case "SubqueryExpr": {
      const [range, step] = node.getChildren("DurationExpr");
      return {
        kind: "subquery",
        span,
        operand,
        range: positiveDurationOf(range!, text),
        step: step === undefined ? null : positiveDurationOf(step, text),
        offset: null,
        at: null,
      };
    }
    default:
      throw parseError(text, node, "anchored and smoothed modifiers are experimental in Prometheus and not supported");
  }
}
