import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { createLivePublisher } from "../../../services/collector/publish-live.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { batchOfReadings, NOON } from "../../support/collector/batches.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const TEN_MINUTES = 600_000;

test("createLivePublisher() leaves out readings more than ten minutes ahead of the clock", async () => {
  const clock = new ManualClock(NOON);
  const published: (readonly Batch[])[] = [];
  const publish = createLivePublisher({
    liveFeed: {
      publish: async (batches) => void published.push(batches),
    },
    clock,
    log: silentLogger,
    deadline: new AbortController().signal,
    onFailure: () => {},
  });
  const mixed = [
    batchOfReadings([
      { after: 0, value: 1 },
      { after: TEN_MINUTES, value: 2 },
      { after: TEN_MINUTES + 1, value: 3 },
      { gpu: 2, after: 20 * TEN_MINUTES, value: 4 },
    ]),
    batchOfReadings([{ after: 20 * TEN_MINUTES, value: 5 }]),
  ];
  await publish(mixed);
  await publish(mixed.slice(1));
  const values: number[] = [];
  for (const batch of published.flat()) forEachReading(batch, (_, __, ___, value) => values.push(value));
  expect(values).toEqual([1, 2]);
  expect(published).toHaveLength(1);
  await clock.advance(20 * TEN_MINUTES);
  await publish(mixed.slice(1));
  expect(published[1]).toEqual(mixed.slice(1));
});
