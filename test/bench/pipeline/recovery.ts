/** Measures how long the pipeline takes to recover after one process is killed and restarted at once. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { eventually } from "../../support/time/eventually.ts";
import type { Workspace } from "../workspace.ts";
import { type Services, startServices } from "./services.ts";
import { openSqliteStore } from "./stores.ts";

/** A sample fleet at about 1,000 readings/s, stamped with the time of sending. */
const STREAMING = { LOOP_MODE: "true", TIMESTAMPS: "live", STREAM_INTERVAL: "50ms" };
const LIMIT_MS = 60_000;

export const VICTIMS = ["streamer", "queue-service", "collector", "redis"] as const;
export type Victim = (typeof VICTIMS)[number];

export type RecoveryFigures = Readonly<Record<"firstStoredMs" | "allStoredMs", number>>;

async function killAndRestart(victim: Victim, { redis, streamer, queueService, collector }: Services): Promise<void> {
  if (victim === "redis") {
    await redis.kill();
    return redis.start();
  }
  const member = { streamer, collector, "queue-service": queueService }[victim];
  await member.kill();
  member.start();
}

async function newestStored(repository: Repository): Promise<number> {
  const hosts = await repository.hosts();
  return Math.max(0, ...hosts.map(({ lastSeen }) => lastSeen));
}

/**
 * Measures two times from the kill: until a reading that was sent after it is stored, and until everything confirmed is
 * stored. The batches of a killed collector return to the queue when their leases expire.
 */
export async function measureRecovery(victim: Victim, workspace: Workspace): Promise<RecoveryFigures> {
  await using store = await openSqliteStore(workspace);
  await using services = await startServices(store.env, STREAMING);
  await using repository = await openRepository(
    { kind: "sqlite", path: store.env.SQLITE_PATH as string, retentionMs: 0 },
    { clock: systemClock, log: silentLogger },
  );
  const storedAfter = (time: number) =>
    eventually(async () => (await newestStored(repository)) > time, { what: "newer readings", deadlineMs: LIMIT_MS });
  services.streamer.start();
  await storedAfter(Date.now() + 500);

  const [killedAt, startedAt] = [Date.now(), performance.now()];
  await killAndRestart(victim, services);
  await storedAfter(killedAt);
  const firstStoredMs = performance.now() - startedAt;
  await services.streamer.stop();
  await services.drained();
  return { firstStoredMs, allStoredMs: performance.now() - startedAt };
}
