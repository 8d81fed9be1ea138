import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { openMemoryLiveFeed } from "../../../services/live-feed/memory/feed.ts";
import { values } from "../../conformance/live-feed/bench.ts";
import { batchOfReadings, uuidOf } from "../../support/collector/batches.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

/** The columns of GPU 1 are damaged: decoding them fails. */
function damagedBatch(): Batch {
  const batch = batchOfReadings([
    { gpu: 1, host: "host-1", value: 1 },
    { gpu: 2, host: "host-2", value: 2 },
  ]);
  const blocks = batch.blocks.map((block) =>
    block.gpu === uuidOf(1) ? { ...block, packed: new Uint8Array(3) } : block,
  );
  return { ...batch, blocks };
}

const open = () => openMemoryLiveFeed({ clock: new ManualClock() });

test("memory live feed decodes nothing without subscribers", async () => {
  await using feed = open();
  await feed.publish([damagedBatch()]);
  const left = await feed.subscribe({ minIntervalMs: 0 });
  await left.return?.();
  await feed.publish([damagedBatch()]);
  expect((await left.next()).done).toBe(true);
});

test("memory live feed decodes only GPUs that a subscriber asks for", async () => {
  await using feed = open();
  const byGpu = await feed.subscribe({ filter: { gpus: [uuidOf(2)] }, minIntervalMs: 0 });
  const byHost = await feed.subscribe({ filter: { hosts: ["host-2"] }, minIntervalMs: 0 });
  await feed.publish([damagedBatch()]);
  for (const frames of [byGpu, byHost]) {
    expect(await values(frames)).toEqual([2]);
  }
});

test("memory live feed names the block that it cannot decode", async () => {
  await using feed = open();
  const frames = await feed.subscribe({ minIntervalMs: 0 });
  expect(await feed.publish([damagedBatch()]).catch((error) => error)).toMatchObject({
    code: "invalid",
    message: expect.stringContaining(uuidOf(1)),
  });
  await frames.return?.();
});
