/** Times and values of one block, packed: the same bytes lie in batches and in buckets. */
import { fail, type Result } from "./result.ts";

export interface Columns {
  /** Milliseconds since the epoch, strictly ascending. */
  readonly at: Float64Array;
  /** One column per series, as long as `at`; NaN where the series has no reading at that time. */
  readonly values: readonly Float64Array[];
}

/** Deterministic: equal columns give equal bytes on every runtime. */
export function packColumns(_columns: Columns): Uint8Array {
  throw new Error("not implemented");
}

/** Exact: every finite double comes back as it was. Damaged bytes are an error that says what is wrong. */
export function unpackColumns(_packed: Uint8Array): Result<Columns> {
  return fail("not implemented");
}
