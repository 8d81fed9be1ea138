import { expect, test } from "bun:test";
import { fnv1a } from "../../../schema/model/fnv1a.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { channelOf } from "../../../services/live-feed/redis/channels.ts";
import type { Partition } from "../../../services/queue/redis/partition.ts";
import { Partitions } from "../../../services/queue/redis/partitions.ts";
import { shardOf } from "../../../services/streamer/cut/shard.ts";

test("fnv1a() returns the published hashes of ASCII text", () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  const published = { "": 0x811c9dc5, a: 0xe40c292c, b: 0xe70c2de5, foobar: 0xbf9cf968 };
  for (const [text, hash] of Object.entries(published)) expect([text, fnv1a(text) >>> 0]).toEqual([text, hash]);
});

/** The assignments may never change: several versions run at the same time, and queues outlive them. */
test("hosts keep their shards, GPUs their channels, and producers their partitions", () => {
  const hosts = ["mtv5-dgx1-hgpu-031", "mtv5-dgx1-hgpu-032", "größe", ""];
  expect(hosts.map((host) => shardOf(host, 1000))).toEqual([863, 616, 87, 923]);
  const gpus = ["GPU-5fd4f087-86f3-7a43-b711-4771313afc50", "GPU-bc7a16df-83c0-7b3f-9d0c-9f1c0f8e2a11"];
  expect(gpus.map((gpu) => channelOf(gpu as GpuUuid))).toEqual([25, 32]);
  const partitions = new Partitions(Array.from({ length: 16 }, (_, number) => ({ number }) as Partition));
  const producers = ["", "a", "/data/sample.csv.gz@0/1", "/data/größe.csv@0/1", "/data/读数.csv@2/3"];
  expect(producers.map((producer) => partitions.of(producer).number)).toEqual([5, 12, 2, 6, 4]);
});
