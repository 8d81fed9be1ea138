/** Pages: how many a caller may ask for, and the opaque cursor between two of them. */
import { fail, ok, type Result } from "./result.ts";

export interface PageLimits {
  readonly default: number;
  readonly max: number;
}

export const GPU_PAGE: PageLimits = { default: 10_000, max: 10_000 };
export const READING_PAGE: PageLimits = { default: 1000, max: 10_000 };
export const LETTER_PAGE: PageLimits = { default: 50, max: 100 };

/** What a message says is accepted as `limit`. */
export const acceptedLimit = ({ max }: PageLimits): string => `a whole number from 1 to ${max.toLocaleString("en-US")}`;

/** A cursor as callers see it: opaque, safe in a URL. */
export const encodeCursor = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

const MAX_CURSOR_LENGTH = 4096;

/** The parts, when the text is a cursor that `encodeCursor` made; what they mean is the caller's to check. */
export function decodeCursor(text: string): Result<readonly unknown[]> {
  const refused = fail("not a cursor");
  if (text.length > MAX_CURSOR_LENGTH || !/^[\w-]+$/.test(text)) return refused;
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(parts) ? ok(parts) : refused;
  } catch {
    return refused;
  }
}
