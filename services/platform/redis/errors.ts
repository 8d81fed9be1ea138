/** Translates errors of Redis into AppError. */
import { AppError, messageOf } from "../../../schema/model/errors.ts";

/** Temporary error replies: Redis is starting, failing over, moving slots, busy, or cannot write to its disk. */
const TEMPORARY =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|UNKILLABLE|NOMASTERLINK)\b/;
const OUT_OF_MEMORY = /^OOM\b/;

/** True for an error reply of Redis, false for an error of the connection. */
const isReply = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError";

/** True if the server does not have the script. */
export const isUnknownScript = (error: unknown): boolean => isReply(error) && error.message.startsWith("NOSCRIPT");

/**
 * - `unavailable`: Redis cannot be reached, did not answer in time, or replied with a temporary error.
 * - `overloaded`: Redis is out of memory (`maxmemory` with `noeviction`).
 * - `internal`: Redis refused the command for any other reason.
 */
export function redisError(what: string, error: unknown): AppError {
  const reason = messageOf(error);
  if (!isReply(error) || TEMPORARY.test(reason)) {
    return new AppError(`Redis is unavailable for ${what}: ${reason}`, { code: "unavailable", cause: error });
  }
  if (OUT_OF_MEMORY.test(reason)) {
    return new AppError(`Redis is out of memory for ${what}: ${reason}`, { code: "overloaded", cause: error });
  }
  return new AppError(`Redis refused ${what}: ${reason}`, { code: "internal", cause: error });
}
