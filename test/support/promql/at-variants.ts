/** Rewrites instant queries so that `@` fixes their time: they must then give the same at any other time. */
import type { Duration, Expr, Shift, VectorSelector } from "../../../services/promql/parse/ast.ts";
import { parse } from "../../../services/promql/parse/parse.ts";
import type { Eval } from "./script.ts";

/** Functions that depend on the time of evaluation even when their arguments do not. */
const UNSAFE = new Set([
  ...["days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"],
  ...["predict_linear", "time", "timestamp"],
]);

function durationText(duration: Duration): string {
  switch (duration.kind) {
    case "constant":
      return String(duration.seconds);
    case "step":
    case "range":
      return `${duration.kind}()`;
    case "negate":
      return `(-${durationText(duration.operand)})`;
    case "binary": {
      const [left, right] = [durationText(duration.left), durationText(duration.right)];
      const isCall = duration.operator === "min_of" || duration.operator === "max_of";
      return isCall ? `${duration.operator}(${left}, ${right})` : `(${left} ${duration.operator} ${right})`;
    }
    default:
      return duration satisfies never;
  }
}

class Printer {
  readonly #atMs: number;
  isUnsafe = false;

  constructor(atMs: number) {
    this.#atMs = atMs;
  }

  #shift({ offset, at }: Shift, isFixed: boolean): string {
    const time = at ?? (isFixed ? null : this.#atMs);
    const written = time === null ? "" : ` @ ${typeof time === "number" ? (time / 1000).toFixed(3) : `${time}()`}`;
    return offset === null ? written : `${written} offset (${durationText(offset)})`;
  }

  #matchers({ matchers }: VectorSelector): string {
    const parts = matchers.map(({ name, operator, value }) => JSON.stringify(name) + operator + JSON.stringify(value));
    return `{${parts.join(", ")}}`;
  }

  /** @param isFixed a subquery around the expression has an `@` already */
  text(expr: Expr, isFixed: boolean): string {
    switch (expr.kind) {
      case "number":
        return `(${expr.value})`.replace("Infinity", "Inf");
      case "string":
        return expr.text;
      case "selector":
        return this.#matchers(expr) + this.#shift(expr, isFixed);
      case "matrix": {
        const range = `[${durationText(expr.range)}]`;
        return this.#matchers(expr.selector) + range + this.#shift(expr.selector, isFixed);
      }
      case "subquery": {
        const step = expr.step === null ? "" : durationText(expr.step);
        return `(${this.text(expr.operand, true)})[${durationText(expr.range)}:${step}]${this.#shift(expr, isFixed)}`;
      }
      case "paren":
        return `(${this.text(expr.operand, isFixed)})`;
      case "unary":
        return `(${expr.operator}${this.text(expr.operand, isFixed)})`;
      case "binary": {
        const { matching, operator, bool } = expr;
        const list = (names: readonly string[]): string => `(${names.map((name) => JSON.stringify(name)).join(", ")})`;
        const on = matching.isWritten ? ` ${matching.on ? "on" : "ignoring"} ${list(matching.labels)}` : "";
        const group = matching.group === "none" ? "" : ` group_${matching.group} ${list(matching.include)}`;
        const left = this.text(expr.left, isFixed);
        return `(${left} ${operator}${bool ? " bool" : ""}${on}${group} ${this.text(expr.right, isFixed)})`;
      }
      case "aggregate": {
        const names = expr.labels.map((name) => JSON.stringify(name)).join(", ");
        const parameter = expr.parameter === null ? "" : `${this.text(expr.parameter, isFixed)}, `;
        const grouping = `${expr.without ? "without" : "by"} (${names})`;
        return `${expr.operator} ${grouping} (${parameter}${this.text(expr.operand, isFixed)})`;
      }
      case "call": {
        this.isUnsafe ||= UNSAFE.has(expr.signature.name);
        return `${expr.signature.name}(${expr.arguments.map((one) => this.text(one, isFixed)).join(", ")})`;
      }
      default:
        return expr satisfies never;
    }
  }
}

/** The same eval at other times; none where the result depends on them. */
export function atVariants(one: Eval): Eval[] {
  if (one.range !== null || one.vectorTimes !== null || one.text !== null) return [];
  const printer = new Printer(one.startMs);
  const query = printer.text(parse(one.query), false);
  if (printer.isUnsafe) return [];
  // Remarks name places in the text, which are others here.
  const expectations = one.expectations.filter(({ kind }) => kind === "fail" || kind === "ordered");
  const times = one.startMs === 0 ? [-1000, 1000] : [-10 * one.startMs, one.startMs / 5, 10 * one.startMs];
  return times.map((startMs) => ({ ...one, query, startMs: Math.round(startMs), expectations }));
}
