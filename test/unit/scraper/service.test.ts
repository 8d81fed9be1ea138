/** The scraper between a simulated fleet and a queue. */
import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import { serveFleet } from "../../../data/fleet/serve.ts";
import { decodeBatch } from "../../../schema/batch/codec.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { readScraperConfig } from "../../../services/scraper/config.ts";
import type { ScraperTotals } from "../../../services/scraper/record/totals.ts";
import { runScraper } from "../../../services/scraper/service.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { eventually } from "../../support/time/eventually.ts";

const MINUTE = 60_000;
const FLEET: FleetOptions = { ...DEFAULT_FLEET, hosts: 3, gpusPerHost: 2, intervalMs: MINUTE, durationMs: 60 * MINUTE };

interface SpoolSetup {
  readonly folder: string;
  readonly maxBytes?: number;
  readonly prepare?: (spool: Spool) => void;
}

async function scraped(env: Record<string, string>, { folder, maxBytes = 1e7, prepare }: SpoolSetup) {
  const spool = await Spool.open({ folder, maxBytes });
  prepare?.(spool);
  const queue = openMemoryQueue({ clock: systemClock, maxBytes: 1e7, maxDeliveries: 5 });
  const ending = new AbortController();
  let totals: Partial<ScraperTotals> = {};
  const ended = runScraper({
    config: readScraperConfig({ SCRAPE_INTERVAL: "1s", ...env }),
    rules: createLabelRules(DEFAULT_LABELS),
    ...{ spool, queue, clock: systemClock, log: silentLogger, signal: ending.signal },
    onAccepted: (number) => spool.confirm(number),
    onTotals: (now) => {
      totals = { ...now };
    },
  });
  return {
    queue,
    totals: () => totals,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await ended;
      await spool[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
    },
  };
}

test("runScraper() brings every GPU of a fleet to the queue, one batch per scrape of a host", async () => {
  await using fleet = await serveFleet({ fleet: FLEET, now: () => 5 * MINUTE, port: 0, ports: "one", slowMs: 20 });
  await using folder = await temporaryFolder();
  const list = join(folder.path, "targets.json");
  await writeFile(list, await (await fetch(fleet.targets)).text());
  await using run = await scraped({ SCRAPE_FILE_SD: list }, { folder: join(folder.path, "spool") });
  const gpus = new Set<string>();
  const batches = new Set<string>();
  await eventually(
    async () => {
      const request = { max: 100, maxBytes: 1e9, leaseMs: 60_000, waitMs: 0 };
      for (const { body, seq } of await run.queue.claim(request)) {
        const batch = decodeBatch(body);
        if (!batch.ok) throw new Error(batch.error);
        batches.add(String(seq));
        expect(batch.value.firstAt).toBe(batch.value.lastAt);
        expect(new Set(batch.value.sightings.map(({ facts }) => facts.host)).size).toBe(1);
        for (const { gpu } of batch.value.blocks) gpus.add(gpu);
      }
      return gpus.size === 6;
    },
    { what: "six GPUs in the queue" },
  );
  expect(batches.size).toBeGreaterThanOrEqual(3);
  expect(run.totals()).toMatchObject({ failed: 0, lost: 0, skipped: 0 });
});

test("runScraper() counts what a full spool cannot take", async () => {
  await using fleet = await serveFleet({ fleet: FLEET, now: () => 5 * MINUTE, port: 0, ports: "one", slowMs: 20 });
  await using folder = await temporaryFolder();
  await using run = await scraped({ SCRAPE_TARGETS: fleet.metrics.join() }, { folder: folder.path, maxBytes: 64 });
  await eventually(() => (run.totals().lost ?? 0) > 0, { what: "a scrape is lost" });
  expect(run.totals().recorded).toBe(0);
});

test("runScraper() loses scrapes while the spool's disk is full, and records later ones", async () => {
  await using fleet = await serveFleet({ fleet: FLEET, now: () => 5 * MINUTE, port: 0, ports: "one", slowMs: 20 });
  await using folder = await temporaryFolder();
  let refusals = 3;
  const prepare = (spool: Spool) => {
    const append = spool.append.bind(spool);
    spool.append = (body, readings) =>
      refusals-- > 0 ? Promise.reject(new Error("ENOSPC: no space left on device")) : append(body, readings);
  };
  await using run = await scraped({ SCRAPE_TARGETS: fleet.metrics.join() }, { folder: folder.path, prepare });
  await eventually(() => (run.totals().recorded ?? 0) > 0, { what: "a scrape is recorded" });
  expect(run.totals().lost).toBeGreaterThan(0);
});
