/** Bearer tokens: formats them, and compares them in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string) => createHash("sha256").update(text).digest();

export const bearer = (token: string): string => `Bearer ${token}`;

/** Returns a function that tells whether an `Authorization` header carries the token. If null, every header passes. */
export function createBearerCheck(token: string | null): (authorization: string | null | undefined) => boolean {
  if (token === null) return () => true;
  const expected = digest(bearer(token));
  // Scheme names are case-insensitive (RFC 9110 §11.1).
  return (authorization) => timingSafeEqual(digest((authorization ?? "").replace(/^bearer /i, bearer(""))), expected);
}
