/** Reads what a scraper has recorded, and serves what it scrapes. */

import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import { type FleetServer, serveFleet } from "../../../data/fleet/serve.ts";
import type { Batch } from "../../../schema/batch/batch.ts";
import { decodeBatch } from "../../../schema/batch/codec.ts";
import { Spool } from "../../../services/spool/spool.ts";

const MINUTE = 60_000;

/** Three hosts with two GPUs each, whose time stands still. */
const SMALL_FLEET: FleetOptions = {
  ...DEFAULT_FLEET,
  hosts: 3,
  gpusPerHost: 2,
  intervalMs: MINUTE,
  durationMs: 60 * MINUTE,
};

export const serveSmallFleet = (ports: "one" | "per-host" = "one"): Promise<FleetServer> =>
  serveFleet({ fleet: SMALL_FLEET, now: () => 5 * MINUTE, port: 0, ports, slowMs: 20 });

/** Returns the batches of every record, in order. No process may use the folder. */
export async function spooledBatches(folder: string): Promise<Batch[]> {
  await using spool = await Spool.open({ folder, maxBytes: 1e9 });
  const batches: Batch[] = [];
  for (let next = 1; ; ) {
    const records = await spool.read(next, 1024 * 1024);
    if (records.length === 0) return batches;
    for (const { number, body } of records) {
      const batch = decodeBatch(body);
      if (!batch.ok) throw new Error(batch.error);
      batches.push(batch.value);
      next = number + 1;
    }
  }
}
