/** Pages: their size limits, and the opaque cursor that leads to the next page. */
import { fail, ok, type Result } from "./result.ts";

export interface PageLimits {
  readonly default: number;
  readonly max: number;
}

export const GPU_PAGE: PageLimits = { default: 10_000, max: 10_000 };
export const READING_PAGE: PageLimits = { default: 1000, max: 10_000 };
export const WORKLOAD_PAGE: PageLimits = { default: 100, max: 1000 };
export const LETTER_PAGE: PageLimits = { default: 50, max: 100 };

/** Describes the accepted values of `limit` in error messages. */
export const acceptedLimit = ({ max }: PageLimits): string => `a whole number from 1 to ${max.toLocaleString("en-US")}`;

/** Encodes a cursor for callers: opaque, and safe in a URL. */
export const encodeCursor = (parts: readonly (string | number | null)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

const MAX_CURSOR_LENGTH = 4096;

/** Returns the parts of a cursor that `encodeCursor` made. The caller must check their types and meaning. */
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
