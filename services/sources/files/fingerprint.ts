/** Makes and compares fingerprints of files: hashes of their first bytes, which stay the same while a file grows. */
import { createHash } from "node:crypto";
import type { Fingerprint } from "../port.ts";

/** Hashes all of `head`. */
export const fingerprintOf = (head: Uint8Array): Fingerprint => ({
  head: createHash("sha256").update(head).digest("hex").slice(0, 32),
  length: head.byteLength,
});

/** True if `head` begins with the bytes that `earlier` is a hash of. */
export const continues = (head: Uint8Array, earlier: Fingerprint): boolean =>
  earlier.length > 0 &&
  earlier.length <= head.byteLength &&
  fingerprintOf(head.subarray(0, earlier.length)).head === earlier.head;
