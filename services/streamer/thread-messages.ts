/** Messages between the streamer's thread and its owner. The queue uses a port of its own. */
import type { MessagePort } from "node:worker_threads";
import { AppError, type ErrorCode, isAppError } from "../../schema/model/errors.ts";
import type { Fields } from "../platform/process/logger.ts";
import type { StreamerConfig } from "./config.ts";
import type { StreamerProgress } from "./progress/progress.ts";
import type { StreamerSummary, StreamerTotals } from "./progress/summary.ts";

/** The worker's data, which makes it run the streamer. */
export const STREAMER_THREAD = "streamer";

export type ToThread =
  | { readonly kind: "start"; readonly config: StreamerConfig; readonly queue: MessagePort }
  | { readonly kind: "abort" };

export type LogMethod = "debug" | "info" | "warn" | "error";

export type FromThread =
  | { readonly kind: "log"; readonly method: LogMethod; readonly message: string; readonly fields: Fields }
  | { readonly kind: "totals"; readonly totals: StreamerTotals }
  | { readonly kind: "progress"; readonly progress: StreamerProgress }
  | { readonly kind: "state"; readonly problem: string | null }
  | { readonly kind: "first pass"; readonly summary: StreamerSummary }
  | { readonly kind: "done"; readonly summary: StreamerSummary }
  | { readonly kind: "failed"; readonly failure: Failure };

/** An error in a message: a structured clone keeps neither class nor code. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | null;
  /** Null for an AppError. */
  readonly stack: string | null;
}

export function describeFailure(error: unknown): Failure {
  if (isAppError(error)) {
    const { code, message, retryAfterMs = null } = error;
    return { code, message, retryAfterMs, stack: null };
  }
  const isError = error instanceof Error;
  return {
    code: "internal",
    message: isError ? error.message : String(error),
    retryAfterMs: null,
    stack: isError ? (error.stack ?? null) : null,
  };
}

export function reviveFailure({ code, message, retryAfterMs, stack }: Failure): AppError {
  return new AppError(message, {
    code,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(stack === null ? {} : { cause: stack }),
  });
}
