/** Evaluates a tree on a grid: scalars as one value per step, instant vectors as blocks. */
import {
  type Aggregate,
  type Binary,
  type Call,
  type Expr,
  isSet,
  type StringLiteral,
  typeOf,
  unwrap,
} from "../parse/ast.ts";
import { evaluateAggregate } from "./aggregate.ts";
import { type Block, createBlock, dropNames } from "./block.ts";
import { evaluateCountValues } from "./count-values.ts";
import { type Grid, gridTimes } from "./grid.ts";
import { evaluateSelector } from "./instant-selector.ts";
import type { Query } from "./query.ts";
import { type Evaluators, evaluateRangeCall, KERNELS } from "./range-call.ts";
import { betweenScalars, withScalar } from "./scalar-operations.ts";
import { evaluateTopk } from "./select-rows.ts";
import { evaluateSet } from "./set-operations.ts";
import { evaluateVectorCall } from "./vector-call.ts";
import { evaluateMatching } from "./vector-matching.ts";

const sizeOf = (block: Block): number => block.values.length;

export class Evaluation implements Evaluators {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async scalar(expr: Expr, grid: Grid): Promise<Float64Array> {
    switch (expr.kind) {
      case "number":
        return new Float64Array(grid.count).fill(expr.value);
      case "paren":
        return this.scalar(expr.operand, grid);
      case "unary": {
        const values = await this.scalar(expr.operand, grid);
        return expr.operator === "-" ? values.map((value) => -value) : values;
      }
      case "binary":
        return betweenScalars(expr, await this.scalar(expr.left, grid), await this.scalar(expr.right, grid));
      case "call":
        return this.#scalarCall(expr, grid);
      default:
        throw new Error(`expression must be a scalar, got ${expr.kind}`);
    }
  }

  async #scalarCall(expr: Call, grid: Grid): Promise<Float64Array> {
    switch (expr.signature.name) {
      case "time":
        return gridTimes(grid).map((time) => time / 1000);
      case "pi":
        return new Float64Array(grid.count).fill(Math.PI);
      default: {
        const { values, present, labels, steps } = await this.vector(expr.arguments[0]!, grid);
        const result = new Float64Array(steps).fill(Number.NaN);
        const found = new Uint8Array(steps);
        for (let cell = 0; cell < labels.length * steps; cell++) {
          if (present[cell] === 0) continue;
          const step = cell % steps;
          result[step] = found[step] === 0 ? values[cell]! : Number.NaN;
          found[step] = 1;
        }
        return result;
      }
    }
  }

  async vector(expr: Expr, grid: Grid): Promise<Block> {
    this.#query.check();
    const block = await this.#vector(expr, grid);
    if (this.#query.isDue(sizeOf(block))) await this.#query.pause();
    return block;
  }

  async #vector(expr: Expr, grid: Grid): Promise<Block> {
    switch (expr.kind) {
      case "selector":
        return evaluateSelector(expr, grid, this.#query);
      case "paren":
        return this.vector(expr.operand, grid);
      case "unary":
        return this.#negated(await this.vector(expr.operand, grid), expr.operator);
      case "binary":
        return this.#binary(expr, grid);
      case "aggregate":
        return this.#aggregate(expr, grid);
      case "call": {
        const parameters = expr.arguments.map(unwrap);
        if (Object.hasOwn(KERNELS, expr.signature.name)) {
          return evaluateRangeCall(expr, parameters, grid, this.#query, this);
        }
        return evaluateVectorCall({ call: expr, parameters, grid, query: this.#query, evaluators: this });
      }
      default:
        throw new Error(`expression must be an instant vector, got ${expr.kind}`);
    }
  }

  #negated(block: Block, operator: "+" | "-"): Block {
    if (operator === "+") return block;
    for (let cell = 0; cell < block.values.length; cell++) block.values[cell] = -block.values[cell]!;
    return dropNames(block, this.#query.state.delayedNames);
  }

  async #binary(expr: Binary, grid: Grid): Promise<Block> {
    const { delayedNames, usage } = this.#query.state;
    const isLeftScalar = typeOf(expr.left) === "scalar";
    if (isLeftScalar || typeOf(expr.right) === "scalar") {
      const scalar = await this.scalar(isLeftScalar ? expr.left : expr.right, grid);
      const block = await this.vector(isLeftScalar ? expr.right : expr.left, grid);
      return withScalar(expr, block, scalar, isLeftScalar, delayedNames);
    }
    const left = await this.vector(expr.left, grid);
    const right = await this.vector(expr.right, grid);
    const before = sizeOf(left) + sizeOf(right);
    if (isSet(expr.operator)) {
      const result = evaluateSet(expr, left, right);
      usage.release(before - sizeOf(result));
      return result;
    }
    usage.hold(sizeOf(left));
    const result = await evaluateMatching(expr, left, right, this.#query);
    usage.release(before + sizeOf(left) - sizeOf(result));
    return result;
  }

  async #aggregate(expr: Aggregate, grid: Grid): Promise<Block> {
    const operand = unwrap(expr.operand);
    if (expr.operator === "count_values") {
      const block = await this.vector(operand, grid);
      const result = await evaluateCountValues(expr, unwrap(expr.parameter!) as StringLiteral, block, this.#query);
      this.#query.state.usage.release(sizeOf(block));
      return result;
    }
    const parameter = expr.parameter === null ? null : await this.scalar(expr.parameter, grid);
    const block = await this.vector(operand, grid);
    if (expr.operator === "topk" || expr.operator === "bottomk") {
      return evaluateTopk(expr, parameter!, block, this.#query);
    }
    if (grid.count === 0) return createBlock(0, 0);
    const result = await evaluateAggregate(expr, parameter, block, this.#query);
    this.#query.state.usage.release(sizeOf(block));
    return result;
  }
}
