/** Why something that a caller needs is away: for the log, and for it alone, however many callers ask meanwhile. */
import type { AppError } from "../../../schema/model/errors.ts";
import type { Logger } from "./logger.ts";

const REPEAT_MS = 10_000;
const MAX_REASONS = 20;

const told = new WeakMap<Logger, Map<string, number>>();

/** What callers read instead: addresses and files are none of their concern. */
export const AWAY = "Something that this needs is away: try again in a moment";

/** Each reason once, and again when it still holds a while later. */
export function logAway(log: Logger, { message, cause }: AppError): void {
  const reasons = told.get(log) ?? new Map<string, number>();
  told.set(log, reasons);
  const now = performance.now();
  const last = reasons.get(message);
  if (last !== undefined && now - last < REPEAT_MS) return;
  if (reasons.size >= MAX_REASONS) reasons.clear();
  reasons.set(message, now);
  log.warn("query not answered", { reason: message, cause });
}
