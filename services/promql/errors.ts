/** The errors of a query, by what the caller can do about them. */

/**
 * - `invalid`: the text or a parameter; the same query fails always (Prometheus: `bad_data`, HTTP 400).
 * - `execution`: the text is right, the data or a bound is not (Prometheus: `execution`, HTTP 422).
 * - `canceled`: the signal was aborted (Prometheus: `timeout` or `canceled`, HTTP 503).
 */
export type PromqlErrorKind = "invalid" | "execution" | "canceled";

/** An error whose message is for the author of the query. */
export class PromqlError extends Error {
  readonly kind: PromqlErrorKind;

  constructor(message: string, options: { readonly kind: PromqlErrorKind; readonly cause?: unknown }) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.name = "PromqlError";
    this.kind = options.kind;
  }
}

export const invalid = (message: string): PromqlError => new PromqlError(message, { kind: "invalid" });
export const failed = (message: string): PromqlError => new PromqlError(message, { kind: "execution" });
