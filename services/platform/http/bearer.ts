/** Bearer tokens: made, and compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string) => createHash("sha256").update(text).digest();

export const bearer = (token: string): string => `Bearer ${token}`;

/** Whether an `Authorization` header carries the token; always true when none is set. */
export function createBearerCheck(token: string | null): (authorization: string | null | undefined) => boolean {
  if (token === null) return () => true;
  const expected = digest(bearer(token));
  // The scheme's name may be written in any case (RFC 9110 §11.1).
  return (authorization) => timingSafeEqual(digest((authorization ?? "").replace(/^bearer /i, bearer(""))), expected);
}
