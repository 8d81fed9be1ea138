/** Checks the types of a tree, as Prometheus does before it evaluates. */
import { type Binary, type Call, type Expr, isComparison, isSet, typeOf, type ValueType } from "./ast.ts";
import { RANGE_ADVICE, ROLLUP_ADVICE } from "./metricsql.ts";
import { parseError } from "./syntax-error.ts";

const NAMES: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

export const typeName = (type: ValueType): string => NAMES[type];

function expect(expr: Expr, wanted: ValueType, where: string, text: string): void {
  checkTypes(expr, text);
  const type = typeOf(expr);
  if (type === wanted) return;
  const advice = wanted === "matrix" && type === "vector" ? `; ${ROLLUP_ADVICE}` : "";
  throw parseError(text, expr.span, `expected type ${NAMES[wanted]} in ${where}, got ${NAMES[type]}${advice}`);
}

function checkBinary(expr: Binary, text: string): void {
  const { operator, matching } = expr;
  checkTypes(expr.left, text);
  checkTypes(expr.right, text);
  const left = typeOf(expr.left);
  const right = typeOf(expr.right);
  if (expr.bool && !isComparison(operator)) {
    throw parseError(text, expr.operatorSpan, "bool modifier can only be used on comparison operators");
  }
  if (isComparison(operator) && !expr.bool && left === "scalar" && right === "scalar") {
    throw parseError(text, expr.operatorSpan, "comparisons between scalars must use BOOL modifier");
  }
  const twice = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (twice !== undefined) {
    throw parseError(text, expr.operatorSpan, `label "${twice}" must not occur in ON and GROUP clause at once`);
  }
  for (const side of [expr.left, expr.right]) {
    const type = typeOf(side);
    if (type !== "scalar" && type !== "vector") {
      const advice = type === "matrix" ? `; ${RANGE_ADVICE}` : "";
      const accepted = "binary expression must contain only scalar and instant vector types";
      throw parseError(text, side.span, `${accepted}${advice}`);
    }
  }
  const areVectors = left === "vector" && right === "vector";
  if (!areVectors && matching.labels.length > 0) {
    throw parseError(text, expr.span, "vector matching only allowed between instant vectors");
  }
  if (!isSet(operator)) return;
  if (!areVectors) {
    throw parseError(text, expr.span, `set operator "${operator}" not allowed in binary scalar expression`);
  }
  if (matching.group !== "none") throw parseError(text, expr.span, `no grouping allowed for "${operator}" operation`);
}

function checkCall(expr: Call, text: string): void {
  const { name, parameters, variadic } = expr.signature;
  const got = expr.arguments.length;
  const least = variadic === 0 ? parameters.length : parameters.length - 1;
  const most = variadic === 0 ? parameters.length : parameters.length - 1 + variadic;
  if (got < least || got > most) {
    const bound = variadic === 0 ? "" : got < least ? "at least " : "at most ";
    const expected = got < least ? least : most;
    throw parseError(text, expr.span, `expected ${bound}${expected} argument(s) in call to "${name}", got ${got}`);
  }
  expr.arguments.forEach((argument, index) => {
    expect(argument, parameters[index] ?? parameters.at(-1)!, `call to function "${name}"`, text);
  });
}

/** @throws PromqlError at the first expression whose type its place does not accept */
export function checkTypes(expr: Expr, text: string): void {
  switch (expr.kind) {
    case "number":
    case "string":
    case "matrix":
      if (expr.kind === "matrix") checkTypes(expr.selector, text);
      return;
    case "selector":
      if (expr.matchers.every((matcher) => matcher.matches(""))) {
        throw parseError(text, expr.span, "vector selector must contain at least one non-empty matcher");
      }
      return;
    case "subquery":
      checkTypes(expr.operand, text);
      if (typeOf(expr.operand) !== "vector") {
        const got = NAMES[typeOf(expr.operand)];
        throw parseError(text, expr.span, `subquery is only allowed on instant vector, got ${got} instead`);
      }
      return;
    case "paren":
      checkTypes(expr.operand, text);
      return;
    case "unary": {
      checkTypes(expr.operand, text);
      const type = typeOf(expr.operand);
      if (type === "scalar" || type === "vector") return;
      const accepted = "unary expression only allowed on expressions of type scalar or instant vector";
      throw parseError(text, expr.span, `${accepted}, got "${NAMES[type]}"`);
    }
    case "binary":
      checkBinary(expr, text);
      return;
    case "aggregate": {
      expect(expr.operand, "vector", "aggregation expression", text);
      const wanted = expr.operator === "count_values" ? "string" : "scalar";
      if (expr.parameter !== null) expect(expr.parameter, wanted, "aggregation parameter", text);
      return;
    }
    case "call":
      checkCall(expr, text);
      return;
    default:
      expr satisfies never;
  }
}
