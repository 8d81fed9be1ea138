import { expect, test } from "bun:test";
import { join } from "node:path";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { FORMATS, fileIn } from "../../bench/formats.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { batchesIn, filesAt, openTestQueue, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const NOW = Date.UTC(2025, 6, 20);

/** Returns the readings of the file that a format makes, and how many it claims to have. */
async function readingsIn(format: (typeof FORMATS)[number]) {
  await using folder = await temporaryFolder();
  const path = join(folder.path, format.file);
  const tally = { readings: 0, bytes: 0 };
  await Bun.write(path, Buffer.concat([...fileIn({ ...format, together: 1 }, 1, tally)]));
  const queue = openTestQueue(new InstantClock(NOW));
  await stream({ sources: filesAt(path) }, { queue, clock: new InstantClock(NOW) });
  const readings = new Set<string>();
  for (const batch of await batchesIn(queue)) {
    forEachReading(batch, (gpu, series, at, value) => void readings.add(`${gpu} ${metricOf(series)} ${at} ${value}`));
  }
  return { readings, claimed: tally.readings };
}

const usual = await readingsIn(FORMATS[0]!);

test.each(FORMATS)("the bench's file of $title has readings of the simulated fleet", async (format) => {
  const { readings, claimed } = await readingsIn(format);
  expect(readings.size).toBe(claimed);
  expect(claimed).toBeGreaterThan(1000);
  expect([...readings.difference(usual.readings)]).toEqual([]);
});
