/** A logger that records its lines, except those at level debug. */
import type { Logger } from "../../../services/platform/process/logger.ts";

export function keptLog() {
  const lines: { method: string; message: string; fields: Record<string, unknown> }[] = [];
  const keep =
    (method: string) =>
    (message: string, fields = {}) =>
      void lines.push({ method, message, fields });
  const log: Logger = { debug() {}, info: keep("info"), warn: keep("warn"), error: keep("error"), child: () => log };
  return { log, lines };
}
