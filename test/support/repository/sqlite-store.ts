/** Opens SQLite stores for tests. */
import { isAppError } from "../../../schema/model/errors.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import type { Metrics } from "../../../services/platform/process/metrics.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { ManualClock } from "../time/manual-clock.ts";

export const openStore = (
  path: string,
  { clock = new ManualClock(), metrics }: { clock?: ManualClock; metrics?: Metrics } = {},
): Promise<Repository> =>
  openRepository({ kind: "sqlite", path, retentionMs: 0 }, { clock, log: silentLogger, metrics });

/** Returns `code: message` of an AppError, or any other error as text. */
export const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error) => (isAppError(error) ? `${error.code}: ${error.message}` : String(error)),
  );
