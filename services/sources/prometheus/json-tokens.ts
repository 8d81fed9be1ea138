/** Splits JSON into tokens while it is being read, whatever its line breaks. */
import type { ByteWindow } from "../bytes/byte-window.ts";

/** `more`: the window ends inside the token. `bad`: no JSON. */
export type TokenKind = "{" | "}" | "[" | "]" | ":" | "," | "string" | "scalar" | "more" | "bad";

/** Longer strings and numbers are refused. */
const MAX_TOKEN_BYTES = 65_536;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const SINGLE = new Map<number, TokenKind>([..."{}[]:,"].map((one) => [one.charCodeAt(0), one as TokenKind]));

const isSpace = (byte: number): boolean => byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;

export class JsonTokens {
  readonly #window: ByteWindow;
  line: number;
  /** The last string, unescaped, or the last number or literal. */
  text = "";

  constructor(window: ByteWindow, line: number) {
    this.#window = window;
    this.line = line;
  }

  /** Takes the next token off the window. `more` and `bad` take nothing but the spaces in front. */
  next(): TokenKind {
    const window = this.#window;
    const { bytes, end } = window;
    let at = window.start;
    for (; at < end && isSpace(bytes[at] as number); at++) if (bytes[at] === LINE_FEED) this.line++;
    window.start = at;
    if (at === end) return "more";
    const byte = bytes[at] as number;
    const single = SINGLE.get(byte);
    if (single !== undefined) {
      window.start = at + 1;
      return single;
    }
    return byte === QUOTE ? this.#string(at) : this.#scalar(at);
  }

  #string(from: number): TokenKind {
    const { bytes, end } = this.#window;
    let at = from + 1;
    let isPlain = true;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (byte >= 0x20 && byte < 0x80 && byte !== BACKSLASH) continue;
      if (byte < 0x20) return "bad";
      isPlain = false;
      if (byte === BACKSLASH) at++;
    }
    if (at >= end) return end - from > MAX_TOKEN_BYTES ? "bad" : "more";
    if (isPlain) {
      this.text = bytes.toString("latin1", from + 1, at);
    } else {
      try {
        this.text = JSON.parse(bytes.toString("utf8", from, at + 1));
      } catch {
        return "bad";
      }
    }
    this.#window.start = at + 1;
    return "string";
  }

  #scalar(from: number): TokenKind {
    const { bytes, end } = this.#window;
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (isSpace(byte) || SINGLE.has(byte)) break;
      if (byte < 0x21 || byte > 0x7e || byte === QUOTE) return "bad";
    }
    if (at === end) return end - from > MAX_TOKEN_BYTES ? "bad" : "more";
    this.text = bytes.toString("latin1", from, at);
    this.#window.start = at;
    return "scalar";
  }
}
