/** Builds our syntax tree from the grammar's, which has no errors in it. */
import type { SyntaxNode } from "@lezer/common";
import type { Aggregate, BinaryOperator, Call, Expr, Matching } from "./ast.ts";
import { durationSeconds, numberOf } from "./literals.ts";
import { bind, type Piece } from "./operators.ts";
import { labelNameOf, postfixed, quotedOf, selectorOf } from "./selectors.ts";
import { EXPERIMENTAL, SIGNATURES } from "./signatures.ts";
import { parseError } from "./syntax-error.ts";

const WITH_PARAMETER = new Set(["topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"]);

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== "LineComment") children.push(child);
  }
  return children;
}

/** The first child that is an expression, at or after an index. */
const expressionsOf = (node: SyntaxNode): SyntaxNode[] => node.getChildren("Expr");

const NO_MATCHING: Matching = { on: false, labels: [], group: "none", include: [], isWritten: false };

class Builder {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  expression(node: SyntaxNode): Expr {
    return bind(this.#pieces(node));
  }

  #textOf(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  /** The run of operands and operators that a node stands for. */
  #pieces(node: SyntaxNode): Piece[] {
    switch (node.name) {
      case "BinaryExpr": {
        const [left, right] = expressionsOf(node);
        const pieces = this.#pieces(left!);
        pieces.push(this.#operator(node, left!), ...this.#pieces(right!));
        return pieces;
      }
      case "UnaryExpr": {
        const sign = node.firstChild!;
        const operator = this.#textOf(sign) === "-" ? "-" : "+";
        return [{ kind: "sign", operator, from: sign.from }, ...this.#pieces(node.lastChild!)];
      }
      case "NumberDurationLiteral":
        return this.#number(node);
      case "OffsetExpr":
      case "StepInvariantExpr":
      case "MatrixSelector":
      case "SubqueryExpr":
      case "AnchoredExpr":
      case "SmoothedExpr": {
        const pieces = this.#pieces(expressionsOf(node)[0]!);
        const last = pieces.pop();
        if (last?.kind !== "operand") throw parseError(this.#text, node, "a modifier must follow an operand");
        return [...pieces, { kind: "operand", expr: postfixed(last.expr, node, this.#text) }];
      }
      default:
        return [{ kind: "operand", expr: this.#operand(node) }];
    }
  }

  #number(node: SyntaxNode): Piece[] {
    const text = this.#textOf(node);
    const [, sign = "", digits = ""] = /^([-+]?)\s*(.*)$/s.exec(text) ?? [];
    const span = { from: node.to - digits.length, to: node.to };
    const value = numberOf(digits);
    const isNumber = !Number.isNaN(value) || /^nan$/i.test(digits) || durationSeconds(digits) !== null;
    if (!isNumber) throw parseError(this.#text, span, `bad number or duration syntax: "${digits}"`);
    const operand: Piece = { kind: "operand", expr: { kind: "number", span, value } };
    return sign === "" ? [operand] : [{ kind: "sign", operator: sign === "-" ? "-" : "+", from: node.from }, operand];
  }

  #operand(node: SyntaxNode): Expr {
    const span = { from: node.from, to: node.to };
    switch (node.name) {
      case "VectorSelector":
        return selectorOf(node, this.#text);
      case "StringLiteral":
        return { kind: "string", span, text: this.#textOf(node), ...quotedOf(node, this.#text) };
      case "ParenExpr":
        return { kind: "paren", span, operand: this.expression(expressionsOf(node)[0]!) };
      case "AggregateExpr":
        return this.#aggregate(node);
      case "FunctionCall":
        return this.#call(node);
      default:
        throw parseError(this.#text, node, `${node.name} is not supported`);
    }
  }

  #operator(node: SyntaxNode, left: SyntaxNode): Piece {
    const sign = childrenOf(node).find(({ from }) => from >= left.to)!;
    const span = { from: sign.from, to: sign.to };
    if (sign.name === "TrimUpper" || sign.name === "TrimLower") {
      throw parseError(
        this.#text,
        span,
        `operator ${this.#textOf(sign)} needs native histograms, which are not supported`,
      );
    }
    if (node.getChild("FillModifier") !== null) {
      throw parseError(this.#text, span, "fill modifiers are experimental in Prometheus and not supported");
    }
    const operator = this.#textOf(sign).toLowerCase() as BinaryOperator;
    const clause = node.getChild("MatchingModifierClause");
    const matching = clause === null ? NO_MATCHING : this.#matching(clause);
    return { kind: "operator", operator, span, bool: node.getChild("BoolModifier") !== null, matching };
  }

  #matching(clause: SyntaxNode): Matching {
    const [labels, include] = clause.getChildren("GroupingLabels");
    const left = clause.getChild("GroupLeft");
    const right = clause.getChild("GroupRight");
    return {
      on: clause.getChild("On") !== null,
      labels: this.#grouping(labels!),
      group: left !== null ? "left" : right !== null ? "right" : "none",
      include: include === undefined ? [] : this.#grouping(include),
      isWritten: true,
    };
  }

  #grouping(node: SyntaxNode): string[] {
    return childrenOf(node).map((child) => labelNameOf(child, this.#text));
  }

  #arguments(node: SyntaxNode): Expr[] {
    return expressionsOf(node.getChild("FunctionCallBody")!).map((child) => this.expression(child));
  }

  #aggregate(node: SyntaxNode): Aggregate {
    const operator = this.#textOf(node.firstChild!).toLowerCase();
    if (operator === "limitk" || operator === "limit_ratio") {
      throw parseError(this.#text, node, `${operator}() is experimental in Prometheus and not supported`);
    }
    const modifier = node.getChild("AggregateModifier");
    const given = this.#arguments(node);
    if (given.length === 0) throw parseError(this.#text, node, "no arguments for aggregate expression provided");
    const expected = WITH_PARAMETER.has(operator) ? 2 : 1;
    if (given.length !== expected) {
      const message = "wrong number of arguments for aggregate expression provided";
      throw parseError(this.#text, node, `${message}, expected ${expected}, got ${given.length}`);
    }
    return {
      kind: "aggregate",
      span: { from: node.from, to: node.to },
      operator,
      without: modifier !== null && modifier.getChild("Without") !== null,
      labels: modifier === null ? [] : this.#grouping(modifier.getChild("GroupingLabels")!),
      parameter: expected === 2 ? given[0]! : null,
      operand: given.at(-1)!,
    };
  }

  #call(node: SyntaxNode): Call {
    const identifier = node.getChild("FunctionIdentifier")!;
    const name = this.#textOf(identifier);
    const signature = SIGNATURES.get(name);
    if (signature === undefined) {
      const reason = EXPERIMENTAL.has(name) ? "is experimental in Prometheus and not supported" : "is unknown";
      throw parseError(this.#text, identifier, `function "${name}" ${reason}`);
    }
    return { kind: "call", span: { from: node.from, to: node.to }, signature, arguments: this.#arguments(node) };
  }
}

/** The tree of an expression's node. @throws PromqlError for what only a look at the whole can refuse */
export const buildTree = (node: SyntaxNode, text: string): Expr => new Builder(text).expression(node);
