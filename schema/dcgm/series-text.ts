/** Parses a series as Prometheus and its tools print it: `name{label="value"}`, `{"utf-8 name", label="value"}`. */
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";

export interface SeriesText {
  /** Undefined if the text does not name its metric. */
  readonly metric: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

const BARE_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
/** A quoted text with the escapes of Prometheus and Go. */
const QUOTED = /"((?:[^"\\\n]|\\.)*)"/y;
const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gi;
const CHARACTERS: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (_, byte?: string, four?: string, eight?: string, one = "") => {
    const hex = byte ?? four ?? eight;
    const code = hex === undefined ? 0 : Number.parseInt(hex, 16);
    if (hex === undefined) return CHARACTERS[one] ?? one;
    return code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
  });
}

/** Takes tokens off the front of a text. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }

  /** Takes the character and the spaces around it. */
  takes(character: string): boolean {
    this.take(/[ \t]*/y);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    this.take(/[ \t]*/y);
    return true;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }
}

/**
 * The error shows the text. A label given twice has its last value. A metric's name may also be the label `__name__`.
 */
export function parseSeriesText(text: string): Result<SeriesText> {
  const scanner = new Scanner(text);
  const labels = new Map<string, string>();
  let metric = scanner.take(BARE_NAME)?.[0];
  if (scanner.takes("{")) {
    while (!scanner.takes("}")) {
      const quoted = scanner.take(QUOTED);
      const name = quoted === null ? scanner.take(BARE_NAME)?.[0] : unescaped(quoted[1] ?? "");
      const hasValue = scanner.takes("=");
      const value = hasValue ? scanner.take(QUOTED) : null;
      if (name === undefined || (hasValue ? value === null : quoted === null || metric !== undefined)) {
        return refused(text);
      }
      if (value === null) metric = name;
      else labels.set(name, unescaped(value[1] ?? ""));
      if (scanner.takes(",")) continue;
      if (scanner.takes("}")) break;
      return refused(text);
    }
  }
  if (!scanner.isAtEnd || (metric === undefined && labels.size === 0 && !text.startsWith("{"))) return refused(text);
  return ok({ metric: metric ?? labels.get("__name__"), labels });
}

const refused = (text: string): Result<never> =>
  fail(`series must be of the form name{label="value"}, got ${shown(text)}`);
