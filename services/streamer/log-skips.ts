/** Logs at every level which rows were skipped: only the log can show that readings are missing. */
import type { Logger } from "../platform/process/logger.ts";
import { reportSkips } from "./progress/skip-reports.ts";
import type { StreamerSummary } from "./progress/summary.ts";

/** Logs one line for each reason: an error if readings were lost, otherwise information. */
export function logSkips(summary: StreamerSummary, { log }: { log: Logger }): void {
  for (const { reason, rows, examples, mend, isLoss } of reportSkips(summary)) {
    log[isLoss || summary.unreadable ? "error" : "info"]("rows skipped", { reason, rows, examples, mend });
  }
  if (summary.unreadable) log.error("no row could be read", { sources: summary.sources.map(({ name }) => name) });
}
