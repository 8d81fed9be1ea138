/**
 * A scraper kills itself before or after a step of its work. The next one takes its spool over, and the queue gets each
 * record once and in order.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../services/platform/process/clock.ts";
import { openMemoryQueue } from "../../services/queue/memory/queue.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { type Doom, doomName } from "../support/programs/doom.ts";
import { startDoomed } from "../support/programs/doomed-life.ts";
import { liveAsScraper, type ScraperSurroundings } from "../support/programs/lives.ts";
import { openQueueServer } from "../support/queue/queue-server.ts";
import { heldReadings } from "../support/repository/held-readings.ts";
import { serveSmallFleet, spooledBatches } from "../support/scraper/spooled.ts";
import { batchesIn } from "../support/streamer/streamed.ts";
import { eventually } from "../support/time/eventually.ts";

const SIGKILLED = 137;
const CALLS = [
  ["openProducer", 1],
  ["append", 1],
  ["append", 4],
  ["publish", 1],
  ["publish", 2],
  ["confirm", 1],
  ["confirm", 2],
] as const;
const DOOMS = CALLS.flatMap(([call, nth]) =>
  (["before", "after"] as const).map((moment): Doom => ({ call, moment, nth })),
);

test.each(DOOMS.map((doom) => [doomName(doom), doom] as const))("scraper dies %s", async (_, doom) => {
  await using folder = await temporaryFolder();
  await using fleet = await serveSmallFleet();
  await using queue = openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 });
  await using server = await openQueueServer(queue);
  const surroundings: ScraperSurroundings = {
    queueUrl: server.url,
    targets: fleet.metrics,
    spool: join(folder.path, "spool"),
  };
  await using program = startDoomed({ role: "scraper", doom, surroundings });
  const status = await program.exited;
  expect({ status, ...program.output }).toEqual({ status: SIGKILLED, stdout: "", stderr: "" });
  const before = (await queue.stats()).counters.published;
  const stop = new AbortController();
  const life = liveAsScraper(surroundings, { signal: stop.signal });
  await eventually(async () => (await queue.stats()).counters.published > before + 3, { what: "more batches" });
  stop.abort();
  await life;
  const recorded = await spooledBatches(surroundings.spool);
  const sent = await batchesIn(queue);
  expect(sent.map(({ firstAt }) => firstAt)).toEqual(recorded.map(({ firstAt }) => firstAt));
  expect(heldReadings(sent)).toEqual(heldReadings(recorded));
  expect((await queue.stats()).counters.duplicates).toBe(0);
});
