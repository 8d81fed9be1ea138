/** What makes a file the same source again: its first bytes. */
import { createHash } from "node:crypto";

/** A fingerprint covers this much of a file, or all of a shorter one. */
export const HEAD_BYTES = 64 * 1024;

export interface Fingerprint {
  /** 32 hex digits of SHA-256. */
  readonly head: string;
  /** How many bytes it was taken over. */
  readonly length: number;
}

/** `head`: the file's first `HEAD_BYTES` bytes, or all of a shorter file. */
export const fingerprintOf = (head: Uint8Array): Fingerprint => ({
  head: createHash("sha256").update(head).digest("hex").slice(0, 32),
  length: head.byteLength,
});

/** A file that only grew is still the same. */
export const isSameSource = (earlier: Fingerprint, head: Uint8Array): boolean =>
  earlier.length > 0 &&
  earlier.length <= head.byteLength &&
  fingerprintOf(head.subarray(0, earlier.length)).head === earlier.head;
