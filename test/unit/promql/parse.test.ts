import { describe, expect, test } from "bun:test";
import type { Expr } from "../../../services/promql/parse/ast.ts";
import { parse } from "../../../services/promql/parse/parse.ts";
import { PromqlError } from "../../../services/promql/promql.ts";

/** Operators, their operands and what hangs on each, in parentheses. */
function shape(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return String(expr.value);
    case "string":
      return JSON.stringify(expr.value);
    case "selector": {
      const name = expr.matchers.find((matcher) => matcher.name === "__name__")?.value ?? "";
      return `${name}${expr.offset === null ? "" : " offset"}${expr.at === null ? "" : ` @${expr.at}`}`;
    }
    case "matrix":
      return `${shape(expr.selector)}[]`;
    case "subquery":
      return `${shape(expr.operand)}[:]${expr.offset === null ? "" : " offset"}${expr.at === null ? "" : ` @${expr.at}`}`;
    case "paren":
      return shape(expr.operand);
    case "unary":
      return `(${expr.operator} ${shape(expr.operand)})`;
    case "binary":
      return `(${shape(expr.left)} ${expr.operator} ${shape(expr.right)})`;
    case "aggregate":
      return `${expr.operator}(${shape(expr.operand)})`;
    case "call":
      return `${expr.signature.name}(${expr.arguments.map(shape).join(", ")})`;
    default:
      return expr satisfies never;
  }
}

function errorOf(query: string): string {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof PromqlError && error.kind === "invalid") return error.message;
    throw error;
  }
  throw new Error(`query must be refused: ${query}`);
}

describe("parse() binds", () => {
  const SHAPES: readonly (readonly [query: string, shape: string])[] = [
    ["a + b * c", "(a + (b * c))"],
    ["a + b offset 5m * c", "(a + (b offset * c))"],
    ["a offset 5m or b offset 10m", "(a offset or b offset)"],
    ["a + b @ 5", "(a + b @5000)"],
    ["-a @ end()", "(- a @end)"],
    ["a + sum_over_time(b[5m] offset 1h)", "(a + sum_over_time(b offset[]))"],
    ["a - max_over_time((b + c)[5m:])", "(a - max_over_time((b + c)[:]))"],
    ["-1 ^ 2", "(- (1 ^ 2))"],
    ["-a ^ 2 * c", "((- (a ^ 2)) * c)"],
    ["2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))"],
    ["2 ^ -a", "(2 ^ (- a))"],
    ["a unless b or c and d", "((a unless b) or (c and d))"],
    ["a == b > c", "((a == b) > c)"],
    ["SUM BY (x) (a) AND b", "(sum(a) and b)"],
    ["5m + 1_000 + 0x1f + 017 + 2. + .5", "(((((300 + 1000) + 31) + 15) + 2) + 0.5)"],
    ['label_replace(a, "\\u0061", `\\n`, \'\\x41\', "")', 'label_replace(a, "a", "\\\\n", "A", "")'],
  ];
  for (const [query, expected] of SHAPES) test(query, () => expect(shape(parse(query))).toBe(expected));
});

describe("parse() names the place and what is accepted", () => {
  const ERRORS: readonly (readonly [query: string, message: string])[] = [
    ["", "1:1: parse error: no expression found in input"],
    ["# only a comment", "1:1: parse error: no expression found in input"],
    ["1 + ", "1:5: parse error: unexpected end of input in expression, expected operand"],
    ["sum(a", '1:6: parse error: unexpected end of input in arguments, expected expression, "," or ")"'],
    ["a\n  { b", "2:6: parse error: unexpected end of input in label matching"],
    ["a $ b", '1:3: parse error: unexpected character "$", expected operator'],
    ["rate(a[5m)", '1:10: parse error: unexpected ")" in subquery or range, expected duration, then "]" or ":"'],
    ["{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"],
    ['a{b=~"("}', "1:3: parse error:"],
    ['a{b="', "1:5: parse error: unterminated quoted string"],
    ["a offset 5m offset 1m", "1:1: parse error: offset may not be set multiple times"],
    ["sum(a) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector selector"],
    ["a[5m] + 1", "1:1: parse error: binary expression must contain only scalar and instant vector types"],
    ["1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"],
    ["a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"],
    ["1 and a", '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ["a and on(x) group_left b", '1:1: parse error: no grouping allowed for "and" operation'],
    ["a * on(x) group_left(x) b", '1:3: parse error: label "x" must not occur in ON and GROUP clause at once'],
    ["abs(1)", '1:5: parse error: expected type instant vector in call to function "abs", got scalar'],
    ["clamp(a, 1)", '1:1: parse error: expected 3 argument(s) in call to "clamp", got 2'],
    ["topk(a)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"],
    ["nonsense(a)", '1:1: parse error: function "nonsense" is unknown'],
    ["mad_over_time(a[5m])", '1:1: parse error: function "mad_over_time" is experimental in Prometheus'],
    ["a[0s]", "1:3: parse error: duration must be greater than 0"],
    ['a{__name__="b"}', '1:1: parse error: metric name must not be set twice: "a" or "b"'],
  ];
  for (const [query, message] of ERRORS) test(query, () => expect(errorOf(query)).toStartWith(message));
});

describe("parse() refuses MetricsQL by the construct's name", () => {
  const CONSTRUCTS: readonly (readonly [query: string, named: string])[] = [
    ["with (filters = {}) avg(a{filters})", "WITH (…) is MetricsQL"],
    ['avg(label_move(a, "x", "y"))', "label_move() is MetricsQL"],
    ["rate(a)", "a range function without a range is MetricsQL"],
    ["count_over_time(a < 1[72h])", "a range on an expression is MetricsQL"],
    ["sum(max_over_time(a + b[29s]))", "a range on an expression is MetricsQL"],
    ["a default 0", "the operator default is MetricsQL"],
    ["a if b", "the operator if is MetricsQL"],
    ["rate(a[5m]) keep_metric_names", "keep_metric_names is MetricsQL"],
    ['a{b="c" or d="e"}', "or between label matchers is MetricsQL"],
    ["rate(a[5i])", "a duration in steps (i) is MetricsQL"],
    ["rate(a[1.5h])", "a duration with a fraction is MetricsQL"],
    ["sum(a) limit 5", "limit on an aggregation is MetricsQL"],
  ];
  for (const [query, named] of CONSTRUCTS) test(query, () => expect(errorOf(query)).toContain(named));
});

describe("parse() bounds", () => {
  test("the length of a query", () => {
    expect(errorOf(`a${" ".repeat(65_536)}`)).toBe("query must have at most 65,536 characters, got 65,537");
  });

  test("the nesting of brackets", () => {
    expect(parse(`${"(".repeat(100)}a${")".repeat(100)}`).kind).toBe("paren");
    expect(errorOf("(".repeat(30_000))).toContain("nest brackets at most 100 deep");
  });

  test("the number of operators", () => {
    expect(errorOf(`a${"+a".repeat(20_000)}`)).toContain("at most 1,000 operators");
    expect(errorOf(`${"-".repeat(20_000)}a`)).toContain("at most 1,000 operators");
  });

  test("the length of a regular expression", () => {
    expect(errorOf(`a{b=~"${"(x)".repeat(400)}"}`)).toContain("at most 1000 characters, got 1,200");
  });

  test("brackets inside texts and comments do not count", () => {
    expect(parse(`a{b="${"(".repeat(200)}"} # ${"(".repeat(200)}`).kind).toBe("selector");
  });
});
