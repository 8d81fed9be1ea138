/** Batch ⇄ bytes, versioned. */
import type { Batch, BatchHeader } from "./batch.ts";
import { fail, type Result } from "./result.ts";

/** Deterministic: equal batches give equal bytes. */
export function encodeBatch(_batch: Batch): Uint8Array {
  throw new Error("not implemented");
}

/** An unknown version or damaged bytes (checksum) is an error that says which. */
export function decodeBatch(_bytes: Uint8Array): Result<Batch> {
  return fail("not implemented");
}

/** The header alone, without unpacking the rest: for dead-letter previews. */
export function decodeBatchHeader(_bytes: Uint8Array): Result<BatchHeader> {
  return fail("not implemented");
}
