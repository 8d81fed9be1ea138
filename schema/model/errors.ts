/** The closed list of error codes, with their HTTP status and GraphQL code. */
export const ERROR_CODES = {
  invalid: { status: 400, graphql: "BAD_USER_INPUT", title: "Bad request" },
  not_found: { status: 404, graphql: "NOT_FOUND", title: "Not found" },
  conflict: { status: 409, graphql: "CONFLICT", title: "Conflict" },
  too_large: { status: 413, graphql: "TOO_LARGE", title: "Too large" },
  overloaded: { status: 429, graphql: "OVERLOADED", title: "Too many requests" },
  unavailable: { status: 503, graphql: "UNAVAILABLE", title: "Unavailable" },
  internal: { status: 500, graphql: "INTERNAL_SERVER_ERROR", title: "Internal error" },
} as const satisfies Record<string, { status: number; graphql: string; title: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * An error whose message is for the caller: "NAME must be ACCEPTED, got VALUE". Every other thrown value counts as
 * `internal`, and its message is for the operator only.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Milliseconds to wait before a retry; only with `overloaded` and `unavailable`. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { code: ErrorCode; cause?: unknown; retryAfterMs?: number }) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.name = "AppError";
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The message of any thrown value. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const isAppError = (error: unknown, code?: ErrorCode): error is AppError =>
  error instanceof AppError && (code === undefined || error.code === code);
