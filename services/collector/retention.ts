/** Expires old readings, a limited number of buckets at a time. */
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { TelemetryRepository } from "../repository/port.ts";

const ROUND_MS = 60_000;

/** Runs until the signal aborts. After a failure, it tries again in the next round. */
export async function runRetention({
  repository,
  retentionMs,
  clock,
  log,
  signal,
}: {
  repository: Pick<TelemetryRepository, "expire">;
  retentionMs: number;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}): Promise<void> {
  while (!signal.aborted) {
    try {
      let buckets = 0;
      for (let step = -1; step !== 0 && !signal.aborted; ) {
        step = await repository.expire(clock.now() - retentionMs);
        buckets += step;
        await clock.sleep(0, { signal });
      }
      if (buckets > 0) log.info("expired", { buckets });
    } catch (error) {
      log.warn("expiry failed", { error });
    }
    await clock.sleep(Math.min(ROUND_MS, retentionMs), { signal });
  }
}
