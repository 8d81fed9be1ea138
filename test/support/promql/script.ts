/** Reads Prometheus' test scripts (its promql/promqltest/README.md describes them) into commands. */
import { durationSeconds, numberOf, unquote } from "../../../services/promql/parse/literals.ts";
import { readSeries, type SeriesLine } from "./notation.ts";

export interface Load {
  readonly kind: "load";
  readonly stepMs: number;
  readonly withCustomBuckets: boolean;
  readonly series: readonly SeriesLine[];
}

type ExpectKind = "fail" | "warn" | "no_warn" | "info" | "no_info" | "ordered";

export interface Expectation {
  readonly kind: ExpectKind;
  matches(message: string): boolean;
}

export interface Eval {
  readonly kind: "eval";
  readonly line: number;
  readonly query: string;
  /** An instant query has a start only. */
  readonly startMs: number;
  readonly range: { readonly endMs: number; readonly stepMs: number } | null;
  /** The result of an instant query is a range vector with these times. */
  readonly vectorTimes: { readonly startMs: number; readonly stepMs: number } | null;
  readonly expectations: readonly Expectation[];
  readonly series: readonly SeriesLine[];
  readonly scalar: number | null;
  readonly text: string | null;
}

export type Command = Load | Eval | { readonly kind: "clear" };

const milliseconds = (text: string): number => Math.round((durationSeconds(text) ?? Number(text)) * 1000);

function readExpectation(line: string): Expectation {
  const match = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/.exec(line);
  if (match === null) throw new Error(`expectation must be known, got ${line}`);
  const [, kind, how, text = ""] = match;
  const wanted = text.trim();
  if (how === undefined) return { kind: kind as ExpectKind, matches: () => true };
  if (how === "msg") return { kind: kind as ExpectKind, matches: (message) => message === wanted };
  const regex = new RegExp(wanted);
  return { kind: kind as ExpectKind, matches: (message) => regex.test(message) };
}

const LOAD = /^load(_with_nhcb)?\s+(\S+)$/;
const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;
const VECTOR_TIMES = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/;

/** A whole line that is a number is a scalar result. */
function readScalar(line: string): number | null {
  const match = /^([+-]?)((?:0x[0-9a-f]+|\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)$/i.exec(line);
  if (match === null) return null;
  return match[1] === "-" ? -numberOf(match[2]!) : numberOf(match[2]!);
}

function readEval(head: string, body: readonly string[], line: number): Eval {
  const instant = INSTANT.exec(head);
  const range = instant === null ? RANGE.exec(head) : null;
  if (instant === null && range === null) throw new Error(`line ${line}: eval must be known, got ${head}`);
  const mode = instant?.[1] ?? range?.[1];
  const expectations: Expectation[] = mode === undefined ? [] : [{ kind: mode as ExpectKind, matches: () => true }];
  const series: SeriesLine[] = [];
  let [scalar, text]: [number | null, string | null] = [null, null];
  let vectorTimes: Eval["vectorTimes"] = null;
  let startMs = milliseconds(instant === null ? range![2]! : (instant[2] ?? "0"));
  for (const one of body) {
    const times = VECTOR_TIMES.exec(one);
    if (times !== null) {
      vectorTimes = { startMs: milliseconds(times[1]!), stepMs: milliseconds(times[3]!) };
      startMs = milliseconds(times[2]!);
    } else if (one.startsWith("expect string ")) text = unquote(one.slice("expect string ".length).trim())!.value;
    else if (/^expect\s/.test(one)) expectations.push(readExpectation(one));
    else if (readScalar(one) !== null) scalar = readScalar(one);
    else series.push(readSeries(one));
  }
  return {
    kind: "eval",
    line,
    query: instant === null ? range![5]! : instant[3]!,
    startMs,
    range: range === null ? null : { endMs: milliseconds(range[3]!), stepMs: milliseconds(range[4]!) },
    vectorTimes,
    expectations,
    series,
    scalar,
    text,
  };
}

export function readScript(script: string): Command[] {
  const lines = script.split("\n").map((line) => line.trim().replace(/^#.*$/, ""));
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at++) {
    const head = lines[at]!;
    if (head === "") continue;
    if (head === "clear") {
      commands.push({ kind: "clear" });
      continue;
    }
    const end = lines.findIndex((line, index) => index > at && line === "");
    const body = lines.slice(at + 1, end < 0 ? lines.length : end);
    const load = LOAD.exec(head);
    if (load === null) commands.push(readEval(head, body, at + 1));
    else {
      const withCustomBuckets = load[1] !== undefined;
      commands.push({ kind: "load", stepMs: milliseconds(load[2]!), withCustomBuckets, series: body.map(readSeries) });
    }
    at += body.length;
  }
  return commands;
}
