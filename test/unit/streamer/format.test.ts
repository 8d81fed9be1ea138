/** Batches of each `FORMAT`, and streams that continue with another one. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { csvText, gpuUuid, rowLine } from "../../support/sources/dcgm-file.ts";
import { batchesIn, filesAt, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";

const START = Date.UTC(2025, 6, 18, 20, 42, 34);
const TICKS = 3;

/** Ticks of two GPUs with a uuid and one without, metric by metric, the one without in the middle. */
const text = csvText(
  ...Array.from({ length: TICKS }, (_, tick) =>
    ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_TEMP"].flatMap((metric_name, place) =>
      [0, 1, 2].map((n) =>
        rowLine(n, {
          metric_name,
          timestamp: new Date(START + tick * 1000).toISOString(),
          value: String(tick * 10 + n + place),
          pod: tick < 2 ? "train-1" : "train-2",
          ...(n === 1 ? { uuid: "", labels_raw: "" } : {}),
        }),
      ),
    ),
  ).flat(),
);

async function withFile(work: (path: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "some.csv");
  await Bun.write(path, text);
  await work(path);
}

test("FORMAT=1 skips rows without a uuid with the reason, and sends all others", async () => {
  await withFile(async (path) => {
    const queue = openTestQueue();
    const { skipped, skipExamples } = await stream({ sources: filesAt(path), format: 1 }, { queue });
    expect(skipped.uuid).toBe(2 * TICKS);
    expect(skipExamples[0]).toMatchObject({
      line: 3,
      detail: "uuid must be given while FORMAT is 1, got none; set FORMAT=2 once all processes can read version 2",
    });
    const batches = await batchesIn(queue);
    expect(batches.map(({ v }) => v)).toEqual(batches.map(() => 1));
    expect(new Set(batches.flatMap(({ blocks }) => blocks.map(({ gpu }) => gpu as string)))).toEqual(
      new Set([gpuUuid(0), gpuUuid(2)]),
    );
  });
});

test("FORMAT=2 sends GPUs without a uuid", async () => {
  await withFile(async (path) => {
    const queue = openTestQueue();
    const { skipped } = await stream({ sources: filesAt(path), format: 2 }, { queue });
    expect(skipped.uuid).toBeUndefined();
    expect(storedOf(await batchesIn(queue)).filter((reading) => reading.startsWith("HOST-node-1-1 "))).toHaveLength(
      2 * TICKS,
    );
  });
});

test("a stream that goes on with the other format loses and repeats no reading of a GPU with a uuid", async () => {
  await withFile(async (path) => {
    const whole = openTestQueue();
    await stream({ sources: filesAt(path), format: 1 }, { queue: whole });
    const all = storedOf(await batchesIn(whole));
    for (const intervalMs of [0, 1]) {
      for (const [first, then] of [
        [1, 2],
        [2, 1],
      ] as const) {
        for (let stopAfter = 1; stopAfter < 3 * TICKS; stopAfter += 2) {
          const queue = openTestQueue();
          const manner = { sources: filesAt(path), batchSize: 2, intervalMs };
          await stream({ ...manner, format: first }, { queue, stopAfter });
          await stream({ ...manner, format: then }, { queue });
          const batches = await batchesIn(queue);
          const readings = batches
            .flatMap((batch) => storedOf([batch]))
            .filter((reading) => !reading.startsWith("HOST-"))
            .sort();
          expect({ intervalMs, first, stopAfter, readings }).toEqual({ intervalMs, first, stopAfter, readings: all });
        }
      }
    }
  });
});
