/** Series as Prometheus' test scripts write them: `metric{label="value"} 1+2x3 _ stale`. */
import { type Labels, labelsOf, METRIC_NAME } from "../../../services/promql/labels.ts";
import { numberOf, unquote } from "../../../services/promql/parse/literals.ts";

/** One position of a sequence. */
export type Point =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "none" | "stale" | "histogram" };

export interface SeriesLine {
  readonly labels: Labels;
  readonly points: readonly Point[];
  /** The line gives start timestamps instead of values. */
  readonly isStartTimes: boolean;
}

const NAME = String.raw`[\p{L}_:][\p{L}\p{N}_:.\p{M}]*`;
const PAIR = new RegExp(
  String.raw`^\s*(?:(${NAME})|("(?:\\.|[^"\\])*"))\s*(?:=\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))?\s*,?`,
  "u",
);

function textOf(quoted: string): string {
  const text = unquote(quoted);
  if (text === null) throw new Error(`label value must be a quoted text, got ${quoted}`);
  return text.value;
}

function readLabels(line: string): { labels: Labels; rest: string } {
  const entries: [string, string][] = [];
  const name = new RegExp(`^${NAME}`, "u").exec(line)?.[0] ?? "";
  if (name !== "") entries.push([METRIC_NAME, name]);
  let rest = line.slice(name.length);
  if (!rest.startsWith("{")) return { labels: labelsOf(entries), rest };
  rest = rest.slice(1);
  for (let match = PAIR.exec(rest); !/^\s*\}/.test(rest); match = PAIR.exec(rest)) {
    if (match === null) throw new Error(`series must have labels in braces, got ${line}`);
    const [whole, bare, quoted, value] = match;
    if (value === undefined) entries.push([METRIC_NAME, textOf(quoted!)]);
    else entries.push([bare ?? textOf(quoted!), textOf(value)]);
    rest = rest.slice(whole.length);
  }
  return { labels: labelsOf(entries), rest: rest.slice(rest.indexOf("}") + 1) };
}

const NUMBER = String.raw`(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI]nf|[nN]a[nN])`;
const REPEATED = new RegExp(String.raw`^([+-]?${NUMBER})(?:([+-])(${NUMBER}))?(?:x(\d+))?$`);

function pointsOf(item: string): Point[] {
  const gap = /^_(?:x(\d+))?$/.exec(item);
  if (gap !== null) return Array.from({ length: Number(gap[1] ?? 1) }, () => ({ kind: "none" as const }));
  if (item === "stale") return [{ kind: "stale" }];
  if (item.startsWith("{{")) {
    const times = /\}\}x(\d+)$/.exec(item)?.[1];
    return Array.from({ length: times === undefined ? 1 : Number(times) + 1 }, () => ({ kind: "histogram" as const }));
  }
  const match = REPEATED.exec(item);
  if (match === null) throw new Error(`item of a sequence must be a number, _, stale or {{…}}, got ${item}`);
  const [, base = "", sign = "+", increment = "0", times] = match;
  const first = base.startsWith("-") ? -numberOf(base.slice(1)) : numberOf(base.replace("+", ""));
  const by = sign === "-" ? -numberOf(increment) : numberOf(increment);
  const points: Point[] = [{ kind: "value", value: first }];
  let value = first;
  for (let index = 0; index < Number(times ?? 0); index++) {
    value += by;
    points.push({ kind: "value", value });
  }
  return points;
}

/** Histograms hold spaces; they count as one item. */
const ITEMS = /\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x\d+)?|\S+/g;

export function readSeries(line: string): SeriesLine {
  const { labels, rest } = readLabels(line);
  if (rest.startsWith("@st")) return { labels, points: [], isStartTimes: true };
  return { labels, points: (rest.match(ITEMS) ?? []).flatMap(pointsOf), isStartTimes: false };
}
