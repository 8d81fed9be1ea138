/** A store's answers about a fleet, other than its readings, and the answers that a new store of this release gives. */
import { join } from "node:path";
import type { Batch } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { Repository } from "../../../services/repository/port.ts";
import type { NumberedFleet } from "../chaos/numbered-fleet.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { batchesIn, filesAt, openTestQueue, stream } from "../streamer/streamed.ts";

const MAX = 1_000_000;

/** The two stores list the fields of an object in different orders. */
const sorted = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * Returns one text for each GPU, host, hold and so on, so that a difference is short.
 * @param only of these GPUs and their hosts
 */
export async function answersOf(store: Repository, only?: readonly GpuUuid[]): Promise<string[]> {
  const gpus = only === undefined ? (await store.gpus({ limit: 10_000 })).gpus : await store.gpusByUuid(only);
  const uuids = gpus.map(({ uuid }) => uuid);
  const names = new Set(gpus.map(({ host }) => host));
  const hosts = (await store.hosts()).filter(({ hostname }) => names.has(hostname));
  const holds = await store.holds(uuids, ALL_TIME, { max: MAX });
  const latest = await store.latest(uuids);
  const lines: unknown[] = [...gpus, ...hosts, ...[...holds.values()].flat(), ...latest];
  for (const gpu of uuids) lines.push(...(await store.placements({ gpu }, ALL_TIME)));
  if (only === undefined) lines.push(...(await store.workloads({ window: ALL_TIME, limit: 1000 })).workloads);
  return lines.map((line) => JSON.stringify(line, sorted));
}

/** Returns the answers of an empty store of this release after it has saved the batches. */
export async function freshAnswers(batches: readonly Batch[], only?: readonly GpuUuid[]): Promise<string[]> {
  await using folder = await temporaryFolder();
  await using store = await openRepository(
    { kind: "sqlite", path: join(folder.path, "fresh.sqlite"), retentionMs: 0 },
    { clock: systemClock, log: silentLogger },
  );
  await store.save(batches);
  return await answersOf(store, only);
}

/** Streams the fleet with this release. */
export async function batchesOfFleet(fleet: NumberedFleet): Promise<Batch[]> {
  await using folder = await temporaryFolder();
  await fleet.write(folder.path, 1);
  const queue = openTestQueue();
  await stream({ sources: filesAt(folder.path) }, { queue });
  return await batchesIn(queue);
}

/** Returns the answers that are in one list and not in the other. */
export const differences = (got: readonly string[], expected: readonly string[]) => ({
  unexpected: got.filter((line) => !expected.includes(line)),
  missing: expected.filter((line) => !got.includes(line)),
});
export const NO_DIFFERENCE = { unexpected: [], missing: [] };
