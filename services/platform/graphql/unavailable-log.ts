/**
 * Logs why queries fail when a dependency is unavailable, because callers get a message without addresses and file
 * names. The dependency's own client logs the outage. Here each reason is logged at most once per 10 s, however many
 * queries fail.
 */
import type { AppError } from "../../../schema/model/errors.ts";
import type { Logger } from "../process/logger.ts";

const REPEAT_MS = 10_000;
/** How many reasons are remembered. */
const MAX_REASONS = 20;

const loggedAt = new WeakMap<Logger, Map<string, number>>();

/** The message that callers get instead of the reason. */
export const UNAVAILABLE = "A dependency is unavailable: try again in a moment";

export function logUnavailable(log: Logger, { message, cause }: AppError): void {
  const reasons = loggedAt.get(log) ?? new Map<string, number>();
  loggedAt.set(log, reasons);
  const now = performance.now();
  const last = reasons.get(message);
  if (last !== undefined && now - last < REPEAT_MS) return;
  if (reasons.size >= MAX_REASONS) reasons.clear();
  reasons.set(message, now);
  log.warn("query failed", { code: "unavailable", reason: message, cause });
}
