/** Runs a test script of Prometheus against our evaluator. */
import { messageOf } from "../../../schema/model/errors.ts";
import { PromqlError, type QueryResult, queryInstant, queryRange } from "../../../services/promql/promql.ts";
import { atVariants } from "./at-variants.ts";
import { compareAllRemarks, compareData } from "./compare.ts";
import { type Eval, readScript } from "./script.ts";
import { ScriptStorage } from "./script-storage.ts";

const MINUTE_MS = 60_000;

export interface Failure {
  readonly line: number;
  readonly query: string;
  /** What of the script we leave out, or null when the failure is ours. */
  readonly reason: string | null;
  readonly problem: string;
}

export interface ScriptRun {
  readonly evals: number;
  readonly failures: readonly Failure[];
}

/** Features that Prometheus has behind a flag, as they show in an expression. */
const EXPERIMENTAL: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/\b(?:anchored|smoothed)\b/i, "anchored and smoothed selectors"],
  [/\bfill(?:_left|_right)?\s*\(/i, "fill modifiers"],
  [/\b(?:limitk|limit_ratio)\b/i, "experimental aggregations"],
  [
    /\b(?:double_exponential_smoothing|histogram_quantiles|info|integral|mad_over_time|sort_by_label(?:_desc)?|start_timestamp|ts_of_\w+|min_of|max_of)\s*\(/i,
    "experimental functions",
  ],
  [/(?<!@\s*)\b(?:start|end|step|range)\(\)/i, "experimental functions"],
  [/<\/|>\//, "native histograms"],
];

const UNQUOTED = /[A-Za-z_]\w*\.|\P{ASCII}/u;

function reasonOf(one: Eval, storage: ScriptStorage, query: string): string | null {
  const touched = storage.takeTouched();
  for (const [pattern, reason] of EXPERIMENTAL) if (pattern.test(query)) return reason;
  if (touched.has("native histograms")) return "native histograms";
  if (one.series.some(({ points }) => points.some(({ kind }) => kind === "histogram"))) return "native histograms";
  if (touched.has("start timestamps")) return "start timestamps";
  if (UNQUOTED.test(query.replaceAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, '""'))) return "unquoted UTF-8 names";
  return null;
}

/** The script's engine drops names at the query's end. */
const optionsOf = (source: ScriptStorage) => ({
  source,
  signal: new AbortController().signal,
  delayedNames: true,
});

async function run(one: Eval, storage: ScriptStorage): Promise<QueryResult> {
  if (one.range === null) return queryInstant(one.query, one.startMs, optionsOf(storage));
  const times = { start: one.startMs, end: one.range.endMs, step: one.range.stepMs };
  return queryRange(one.query, times, optionsOf(storage));
}

/** An instant query must give the same at the middle of a range. */
async function compareInRange(one: Eval, storage: ScriptStorage): Promise<string | null> {
  const isExempt =
    one.vectorTimes !== null || one.text !== null || one.expectations.some(({ kind }) => kind === "ordered");
  if (isExempt || /(?:start|end|range|step)\(\)/.test(one.query)) return null;
  const times = { start: one.startMs - MINUTE_MS, end: one.startMs + MINUTE_MS, step: MINUTE_MS };
  const { data, ...remarks } = await queryRange(one.query, times, optionsOf(storage));
  if (data.type !== "matrix") return `must be a matrix in a range, got ${data.type}`;
  const series = data.series.flatMap(({ labels, times: own, values }) => {
    const at = own.indexOf(one.startMs);
    return at < 0 ? [] : [{ labels, times: own.slice(at, at + 1), values: values.slice(at, at + 1) }];
  });
  const first = series[0]?.values[0];
  const isScalar = one.scalar !== null && first !== undefined;
  const result: QueryResult = {
    ...remarks,
    data: isScalar ? { type: "scalar", time: one.startMs, value: first } : { type: "matrix", series },
  };
  const problem = compareData(one, result);
  return problem === null ? null : `in a range: ${problem}`;
}

async function problemOf(one: Eval, storage: ScriptStorage): Promise<string | null> {
  const failing = one.expectations.find(({ kind }) => kind === "fail");
  try {
    const result = await run(one, storage);
    if (failing !== undefined) return "must fail";
    return compareAllRemarks(one, result) ?? compareData(one, result) ?? (await rangeProblem(one, storage));
  } catch (error) {
    if (!(error instanceof PromqlError)) throw new Error(`line ${one.line}: ${one.query}`, { cause: error });
    if (failing?.matches(error.message) === true) return null;
    return messageOf(error);
  }
}

/** The problem of an eval, or of the same one with its time fixed by `@`. */
async function anyProblem(one: Eval, storage: ScriptStorage): Promise<string | null> {
  const problem = await problemOf(one, storage);
  if (problem !== null || one.expectations.some(({ kind }) => kind === "fail")) return problem;
  for (const variant of atVariants(one)) {
    const found = await problemOf(variant, storage);
    if (found !== null) return `${variant.query} at ${variant.startMs / 1000} s: ${found}`;
  }
  return null;
}

const rangeProblem = (one: Eval, storage: ScriptStorage): Promise<string | null> =>
  one.range === null ? compareInRange(one, storage) : Promise.resolve(null);

export async function runScript(script: string): Promise<ScriptRun> {
  const storage = new ScriptStorage();
  const failures: Failure[] = [];
  let evals = 0;
  for (const command of readScript(script)) {
    if (command.kind === "clear") storage.clear();
    else if (command.kind === "load") storage.load(command);
    else {
      evals++;
      storage.takeTouched();
      const problem = await anyProblem(command, storage);
      if (problem === null) continue;
      const reason = reasonOf(command, storage, command.query);
      failures.push({ line: command.line, query: command.query, reason, problem });
    }
  }
  return { evals, failures };
}
