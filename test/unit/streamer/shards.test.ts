import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { fleetRows, hostOf, MemoryFiles, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const paced = { intervalMs: 100, batchSize: 4 };

test("runStreamer() on all shards sends every host once", async () => {
  const queue = openTestQueue();
  const fleet = fleetRows({ gpus: 64, ticks: 3, metrics: 2 });
  const files = new MemoryFiles({ "/data": fleet });
  for (const shard of [0, 1, 2]) await stream({ shard, shards: 3 }, { queue, sources: files });
  const batches = await batchesIn(queue);
  const hosts = batches.map(({ sightings }) => new Set(sightings.map(({ facts }) => facts.host)));
  expect(hosts.length).toBe(3);
  expect(hosts.reduce((sum, { size }) => sum + size, 0)).toBe(
    new Set(fleet.map((row) => "gpu" in row && hostOf(row.gpu))).size,
  );
  for (const { size } of hosts) expect(size).toBeGreaterThan(4);
  expect(storedOf(batches)).toEqual(readingsOf(fleet));
});

test("runStreamer() under another number of shards may repeat readings but skips none", async () => {
  const fleet = fleetRows({ gpus: 24, ticks: 12, metrics: 2 });
  const files = new MemoryFiles({ "/data": fleet });
  for (const [before, after, stops] of [
    [1, 3, [20]],
    [3, 1, [20, 9, 14]],
    [2, 3, [9, 14]],
    [3, 2, [20, 0, 14]],
  ] as const) {
    const queue = openTestQueue();
    for (let shard = 0; shard < before; shard++) {
      await stream({ ...paced, shard, shards: before }, { queue, sources: files, stopAfter: stops[shard] ?? 0 });
    }
    const first = await batchesIn(queue);
    for (let shard = 0; shard < after; shard++)
      await stream({ ...paced, shard, shards: after }, { queue, sources: files });
    const second = await batchesIn(queue);
    expect(storedOf([...first, ...second])).toEqual(readingsOf(fleet));
    const repeated = [...first, ...second].reduce((sum, { readings }) => sum + readings, 0) - fleet.length;
    if (Math.min(...stops) > 0) expect(repeated).toBeLessThan(fleet.length / 2);
  }
});

test("runStreamer() on a shard that is not needed stays idle until it is aborted", async () => {
  const controller = new AbortController();
  const { log, lines } = keptLog();
  const files = new MemoryFiles({ "/data": rows });
  files.find = () => Promise.reject(new AppError("must not look", { code: "internal" }));
  const outcome = stream({ shard: 2, shards: 2 }, { sources: files, log, signal: controller.signal });
  await eventually(() => lines.length > 0, { what: "a log line" });
  expect(lines[0]).toMatchObject({ method: "warn", fields: { shard: 2, shards: 2 } });
  controller.abort();
  expect(await outcome).toMatchObject({ batches: 0, alreadyComplete: false });
});
