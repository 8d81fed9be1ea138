/** Reads the text of a query: the official grammar, our tree, types. */
import type { SyntaxNode, Tree } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { invalid, type PromqlError } from "../errors.ts";
import type { Expr } from "./ast.ts";
import { buildTree } from "./build.ts";
import { checkTypes } from "./check.ts";
import { functionAdvice, isMetricsqlFunction, metricsqlAdvice } from "./metricsql.ts";
import { EXPERIMENTAL } from "./signatures.ts";
import { parseError, unexpected } from "./syntax-error.ts";

/** Characters of a query; dashboards stay below a tenth of it. */
const MAX_QUERY_LENGTH = 65_536;
/** Brackets inside brackets; deeper ones could exhaust the stack. */
const MAX_NESTING = 100;
/** Operators and signs of a query; a chain of them is as deep a tree. */
const MAX_OPERATORS = 1000;

/** Texts, names, numbers, comments and signs, so that what stands inside a text or a name is not taken for a sign. */
const TOKENS =
  /"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`[^`]*`?|#[^\n]*|[A-Za-z_][\w:]*|\d[\d_]*\.(?![\d.])|[\d.]+|[\s\S]/g;

const TERMINATED = /^(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)$/;

/** Functions of durations; the grammar knows them in lower case only. */
const DURATION_FUNCTION = /^(?:step|range|min_of|max_of)$/i;

/**
 * Bounds the nesting, and writes what the grammar does not know in a way that it does: `2.` as `2 `, `STEP()` in lower
 * case. Places in the text stay the same.
 */
function prepare(text: string): string {
  let depth = 0;
  return text.replace(TOKENS, (token, at: number) => {
    if (/^["'`]/.test(token) && !TERMINATED.test(token)) {
      throw parseError(text, { from: at }, "unterminated quoted string");
    }
    if (DURATION_FUNCTION.test(token) && /^\s*\(/.test(text.slice(at + token.length))) return token.toLowerCase();
    if (token === "(" || token === "[" || token === "{") depth++;
    if (token === ")" || token === "]" || token === "}") depth--;
    if (depth > MAX_NESTING) throw invalid(`query must nest brackets at most ${MAX_NESTING} deep; split the query`);
    return /^\d[\d_]*\.$/.test(token) ? `${token.slice(0, -1)} ` : token;
  });
}

function boundOperators(tree: Tree): void {
  let operators = 0;
  tree.iterate({
    enter: ({ name }) => {
      if (name === "BinaryExpr" || name === "UnaryExpr") operators++;
    },
  });
  if (operators > MAX_OPERATORS) {
    throw invalid(`query must have at most ${MAX_OPERATORS.toLocaleString("en")} operators; split the query`);
  }
}

/** Names of aggregations, which the grammar knows only with arguments behind them. */
const AGGREGATION = /^(?:sum|avg|min|max|count|group|stddev|stdvar|topk|bottomk|quantile|count_values|limitk)$/i;

function functionError(text: string, at: number): PromqlError | null {
  const name = /([A-Za-z_]\w*)\s*$/.exec(text.slice(0, at))?.[1];
  if (name === undefined || !/^\s*\(/.test(text.slice(at)) || AGGREGATION.test(name)) return null;
  const span = { from: text.lastIndexOf(name, at) };
  if (isMetricsqlFunction(name)) return parseError(text, span, functionAdvice(name));
  const reason = EXPERIMENTAL.has(name) ? "is experimental in Prometheus and not supported" : "is unknown";
  return parseError(text, span, `function "${name}" ${reason}`);
}

function firstError(tree: Tree): SyntaxNode | null {
  let found: SyntaxNode | null = null;
  tree.iterate({
    enter: (node) => {
      if (found === null && node.type.isError) found = node.node;
      return found === null;
    },
  });
  return found;
}

function syntaxError(text: string, node: SyntaxNode): PromqlError {
  const advice = metricsqlAdvice(text);
  if (advice !== null) return parseError(text, node, advice);
  return functionError(text, node.from) ?? unexpected(text, node.from, node.parent?.name);
}

/**
 * Parses a query.
 *
 * @throws PromqlError `invalid`, whose message begins with `line:column: parse error:` and says what is accepted there
 */
export function parse(text: string): Expr {
  if (text.length > MAX_QUERY_LENGTH) {
    const got = text.length.toLocaleString("en");
    throw invalid(`query must have at most ${MAX_QUERY_LENGTH.toLocaleString("en")} characters, got ${got}`);
  }
  const prepared = prepare(text);
  const tree = parser.parse(prepared);
  boundOperators(tree);
  const error = firstError(tree);
  if (error !== null) throw syntaxError(text, error);
  const root = tree.topNode.getChild("Expr");
  if (root === null) throw parseError(text, { from: 0 }, "no expression found in input");
  const expr = buildTree(root, prepared);
  checkTypes(expr, text);
  return expr;
}
