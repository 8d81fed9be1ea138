/** Reads the literals of a query: numbers, durations, quoted text. */

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  y: 365 * 86_400,
  w: 7 * 86_400,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
};
const DURATION = /^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/;

/** Seconds of `1h30m`; null for another text. */
export function durationSeconds(text: string): number | null {
  if (text === "" || !DURATION.test(text)) return null;
  let ms = 0;
  for (const [, digits = "", unit = ""] of text.matchAll(/(\d+)([a-z]+)/g)) {
    ms += Math.round(Number(digits) * UNIT_SECONDS[unit]! * 1000);
  }
  return ms / 1000;
}

/** A number as Go writes it, or a duration in seconds; NaN also for what is no number. */
export function numberOf(text: string): number {
  const lower = text.toLowerCase();
  if (lower === "inf") return Number.POSITIVE_INFINITY;
  if (lower === "nan") return Number.NaN;
  const seconds = durationSeconds(text);
  if (seconds !== null) return seconds;
  const plain = lower.replaceAll("_", "");
  // As in Go, a leading zero makes a whole number octal.
  if (/^0[0-7]+$/.test(plain)) return Number.parseInt(plain, 8);
  return Number(plain);
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  ...{ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 },
  ...{ "\\": 0x5c, "'": 0x27, '"': 0x22 },
};
const ESCAPE = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

const encoder = new TextEncoder();

/** Escapes may name single bytes, so the text is collected as UTF-8. Null for an escape that Go does not know. */
function unescapeBytes(body: string): Uint8Array | null {
  const bytes: number[] = [];
  for (let at = 0; at < body.length; ) {
    const next = body.indexOf("\\", at);
    bytes.push(...encoder.encode(body.slice(at, next < 0 ? body.length : next)));
    if (next < 0) break;
    const letter = body[next + 1] ?? "";
    const simple = SIMPLE_ESCAPES[letter];
    if (simple !== undefined) {
      bytes.push(simple);
      at = next + 2;
      continue;
    }
    const match = ESCAPE.exec(body.slice(next + 1, next + 10));
    if (match === null) return null;
    const [whole, hex, octal, short, long] = match;
    if (hex !== undefined || octal !== undefined) {
      const byte = hex === undefined ? Number.parseInt(octal!, 8) : Number.parseInt(hex, 16);
      if (byte > 255) return null;
      bytes.push(byte);
    } else {
      const point = Number.parseInt(short ?? long!, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return null;
      bytes.push(...encoder.encode(String.fromCodePoint(point)));
    }
    at = next + 1 + whole.length;
  }
  return Uint8Array.from(bytes);
}

export interface Quoted {
  readonly value: string;
  /** Whether the escapes form valid UTF-8; otherwise `value` has replacement characters. */
  readonly isText: boolean;
}

/** Reads a text in double, single or back quotes; null when it is not terminated or has an unknown escape. */
export function unquote(text: string): Quoted | null {
  const quote = text[0];
  if (text.length < 2 || text.at(-1) !== quote) return null;
  const body = text.slice(1, -1);
  if (quote === "`" || !body.includes("\\")) return { value: body, isText: true };
  const bytes = unescapeBytes(body);
  if (bytes === null) return null;
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), isText: true };
  } catch {
    return { value: new TextDecoder().decode(bytes), isText: false };
  }
}
