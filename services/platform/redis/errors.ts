/** What goes wrong with Redis, in the words of the product. */
import { AppError, messageOf } from "../../../schema/model/errors.ts";

/** Replies that pass: Redis starts, fails over, moves slots, is busy or cannot write its log. */
const PASSING =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|UNKILLABLE|NOMASTERLINK)\b/;
const OUT_OF_MEMORY = /^OOM\b/;

/** An error that Redis itself answered with, not one of the connection. */
const isReply = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError";

/** The script is not known to the server that was asked. */
export const isUnknownScript = (error: unknown): boolean => isReply(error) && error.message.startsWith("NOSCRIPT");

/**
 * `unavailable`: Redis is away, did not answer in time, or said that it cannot at present. `overloaded`: it has no
 * memory left for what was asked (`maxmemory` under `noeviction`). `internal`: anything else that it refused.
 */
export function redisError(what: string, error: unknown): AppError {
  const reason = messageOf(error);
  if (!isReply(error) || PASSING.test(reason)) {
    return new AppError(`Redis is not available for ${what}: ${reason}`, { code: "unavailable", cause: error });
  }
  if (OUT_OF_MEMORY.test(reason)) {
    return new AppError(`Redis has no memory left for ${what}: ${reason}`, { code: "overloaded", cause: error });
  }
  return new AppError(`Redis refused ${what}: ${reason}`, { code: "internal", cause: error });
}
