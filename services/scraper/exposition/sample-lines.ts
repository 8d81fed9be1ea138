/** Splits the text of a scrape into samples: Prometheus' text format 0.0.4, and OpenMetrics. */

/** `openmetrics`: times are in seconds, and the last line is `# EOF`. `text`: times are in milliseconds. */
export type ExpositionFormat = "text" | "openmetrics";

export interface SampleTarget {
  /**
   * @param series as it is written
   * @param at ms since the epoch; undefined: the sample has no time of its own
   */
  sample(series: string, value: string, at: number | undefined, line: number): void;
  malformed(text: string, line: number): void;
}

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HASH = 0x23;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const TIME = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const isSpace = (code: number): boolean => code === SPACE || code === TAB;

function skipSpaces(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function skipWord(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && !isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Returns where the series ends that begins at `from`; a brace in a quoted value does not count. */
function seriesEnd(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) !== OPEN && !isSpace(text.charCodeAt(at))) at++;
  const brace = skipSpaces(text, at, end);
  if (text.charCodeAt(brace) !== OPEN || brace >= end) return at;
  let isQuoted = false;
  for (at = brace + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (isQuoted && code === BACKSLASH) at++;
    else if (code === QUOTE) isQuoted = !isQuoted;
    else if (code === CLOSE && !isQuoted) return at + 1;
  }
  return -1;
}

/** Returns the last closing brace of a line; -1 if it has none. */
function lastBrace(text: string, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if (text.charCodeAt(at) === CLOSE) return at;
  return -1;
}

/** Hands over the samples of a text in order. Returns false if it is OpenMetrics without its last line. */
export function readSamples(text: string, format: ExpositionFormat, target: SampleTarget): boolean {
  // An exemplar has braces of its own. Without one, the last brace of a line ends the series, which is faster to find.
  const hasExemplars = text.includes(" # {");
  let line = 0;
  let isClosed = format === "text";
  for (let next = 0; next < text.length; ) {
    const newline = text.indexOf("\n", next);
    const lineEnd = newline === -1 ? text.length : newline;
    const start = skipSpaces(text, next, lineEnd);
    next = lineEnd + 1;
    line++;
    const end = text.charCodeAt(lineEnd - 1) === 0x0d && lineEnd > start ? lineEnd - 1 : lineEnd;
    if (start >= end) continue;
    if (text.charCodeAt(start) === HASH) {
      if (format === "openmetrics" && text.slice(start, end) === "# EOF") isClosed = true;
      continue;
    }
    const last = hasExemplars ? -1 : lastBrace(text, start, end);
    const after = last > start ? last + 1 : seriesEnd(text, start, end);
    if (after <= start || !readTail(text, { start, after, end }, { format, target, line })) {
      target.malformed(text.slice(start, end), line);
    }
  }
  return isClosed;
}

interface Extent {
  readonly start: number;
  /** Where the series ends. */
  readonly after: number;
  readonly end: number;
}

/** Reads value and time after the series. Returns false if they are malformed. */
function readTail(
  text: string,
  { start, after, end }: Extent,
  { format, target, line }: { format: ExpositionFormat; target: SampleTarget; line: number },
): boolean {
  const valueStart = skipSpaces(text, after, end);
  const valueEnd = skipWord(text, valueStart, end);
  if (valueStart === valueEnd) return false;
  const value = text.slice(valueStart, valueEnd);
  const rest = skipSpaces(text, valueEnd, end);
  let at: number | undefined;
  if (rest < end && text.charCodeAt(rest) !== HASH) {
    const timeEnd = skipWord(text, rest, end);
    const time = text.slice(rest, timeEnd);
    const more = skipSpaces(text, timeEnd, end);
    if (!TIME.test(time) || (more < end && text.charCodeAt(more) !== HASH)) return false;
    at = Math.round(format === "openmetrics" ? Number(time) * 1000 : Number(time));
  }
  target.sample(text.slice(start, after), value, at, line);
  return true;
}
