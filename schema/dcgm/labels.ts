/** Parses `labels_raw`, the Prometheus labels of a row as one text: `gpu="0",modelName="NVIDIA H100 80GB HBM3"`. */
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";
import { parseSeriesText } from "./series-text.ts";

/** Describes the accepted text in error messages. */
const LABELS_FORM = 'labels of the form name="value",name="value"';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const ESCAPE = /\\(["\\n])/g;

const unescaped = (value: string): string =>
  value.includes("\\")
    ? value.replace(ESCAPE, (_, character: string) => (character === "n" ? "\n" : character))
    : value;

/** Returns the index of the quote that closes the value starting at `from`, or -1. */
function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (quote - backslashes > from && text[quote - backslashes - 1] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return -1;
}

/** The notations of other tools: in braces, with the metric's name in front, names in quotes, JSON. */
function parseOtherNotation(text: string): ReadonlyMap<string, string> | undefined {
  const trimmed = text.trim();
  const series = parseSeriesText(trimmed.includes("{") ? trimmed : `{${trimmed}}`);
  if (series.ok) return series.value.labels;
  try {
    const entries = Object.entries(JSON.parse(trimmed));
    return entries.every((entry): entry is [string, string] => typeof entry[1] === "string")
      ? new Map(entries)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the labels by name; none for empty text. A repeated name has its last value. Truncated text is an error. */
export function parseLabels(text: string): Result<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const equals = text.indexOf('="', at);
    const name = text.slice(at, equals);
    const quote = equals === -1 || !NAME.test(name) ? -1 : closingQuote(text, equals + 2);
    const end = quote + 1;
    if (quote === -1 || (end < text.length && text[end] !== ",")) {
      const other = parseOtherNotation(text);
      if (other !== undefined) return ok(other);
      // What is cut off may tell series apart, so the other columns alone would not do.
      return fail(`labels_raw must be ${LABELS_FORM}, or empty, got ${shown(text.slice(at))}`);
    }
    labels.set(name, unescaped(text.slice(equals + 2, quote)));
    at = text[end + 1] === " " ? end + 2 : end + 1;
  }
  return ok(labels);
}
