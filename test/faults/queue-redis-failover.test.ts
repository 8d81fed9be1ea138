/** The queue on a real cluster, and behind real sentinels. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../services/platform/redis/config.ts";
import type { Queue } from "../../services/queue/port.ts";
import { openRedisQueue } from "../../services/queue/redis/open.ts";
import { batchOf, claim, openPublisher, receiptsOf, textsOf } from "../conformance/queue/bench.ts";
import { startRedisCluster } from "../support/servers/redis-cluster.ts";
import { startRedisSentinels } from "../support/servers/redis-sentinels.ts";
import { haveRedisServer, type RedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { untilAvailable } from "../support/time/until-available.ts";

const open = (redis: RedisConfig, partitions: number) =>
  openRedisQueue({
    redis,
    partitions,
    maxBytes: 64 * 1024 * 1024,
    maxDeliveries: 5,
    clock: systemClock,
    log: silentLogger,
  });

/** Resolves once a replica of the master has confirmed everything that the master has written. */
const replicaIsUpToDate = (master: RedisServer) =>
  eventually(
    async () => {
      const [, written, replicas] = (await master.command("ROLE")) as [string, number, [string, string, string][]];
      return replicas.some(([, , confirmed]) => Number(confirmed) >= written);
    },
    { what: `the replica of ${master.address} is up to date` },
  );

/** Claims and acknowledges until the queue is empty. Resolves to the texts in the order of delivery. */
async function drain(queue: Queue): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const deliveries = await untilAvailable(() => claim(queue), { what: "a claim" });
    if (deliveries.length === 0) return texts;
    texts.push(...textsOf(deliveries));
    await untilAvailable(() => queue.ack(receiptsOf(deliveries)), { what: "an ack" });
  }
}

describe.skipIf(!haveRedisServer())("Redis queue", () => {
  test.concurrent("works on a cluster, each partition on one of its nodes", async () => {
    await using cluster = await startRedisCluster();
    await using queue = await open(cluster.config, 8);
    await using other = await open(cluster.config, 8);
    const publishers = await Promise.all(Array.from({ length: 12 }, (_, n) => openPublisher(queue, `csv@${n}/12`)));
    await Promise.all(publishers.map((publisher, n) => publisher.publish(`${n}a`, `${n}b`, `${n}c`)));
    expect(await queue.stats()).toMatchObject({ ready: 36, orphans: 0, counters: { published: 36 } });
    const sizes = await Promise.all(cluster.nodes.map((server) => server.command("DBSIZE")));
    expect(sizes.every((size) => Number(size) > 0)).toBe(true);

    const [first] = await claim(other, { max: 1 });
    expect(await queue.extend([first?.receipt ?? ""], 60_000)).toEqual([true]);
    expect(await queue.nack([first?.receipt ?? ""], { kind: "reject", reason: "damaged" })).toEqual([true]);
    expect((await other.deadLetters.list({ limit: 10 })).letters.map(({ id }) => id)).toEqual([first?.id ?? ""]);
    expect(await other.deadLetters.redrive()).toBe(1);
    const all = await drain(other);
    expect(all.toSorted()).toEqual(publishers.flatMap((_, n) => [`${n}a`, `${n}b`, `${n}c`]).toSorted());

    const waiting = claim(other, { waitMs: 30_000 });
    await publishers[5]?.publish("late");
    expect(textsOf(await waiting)).toEqual(["late"]);
    const { inherited } = await queue.openProducer("csv@0/1", { inherit: ["csv@3/12", "csv@4/12", "csv@0/7"] });
    expect(inherited.map(({ producer, seq }) => [producer, seq])).toEqual([
      ["csv@3/12", 3],
      ["csv@4/12", 3],
    ]);
  }, 60_000);

  test.concurrent("continues when a node of the cluster is killed and its replica takes over", async () => {
    await using cluster = await startRedisCluster({ replicas: true });
    await using queue = await open(cluster.config, 3);
    const publishers = await Promise.all(Array.from({ length: 9 }, (_, n) => openPublisher(queue, `csv@${n}/9`)));
    await Promise.all(publishers.map((publisher, n) => publisher.publish(`${n}a`)));
    await Promise.all(cluster.nodes.slice(0, 3).map(replicaIsUpToDate));
    await cluster.nodes[0]?.kill();
    for (const [n, { producer, epoch }] of publishers.entries()) {
      const publish = () => queue.publish([batchOf(2, `${n}b`)], { producer, epoch });
      expect(["accepted", "duplicate"]).toContain((await untilAvailable(publish, { what: "a publication" })).kind);
    }
    expect(new Set(await drain(queue))).toEqual(new Set(publishers.flatMap((_, n) => [`${n}a`, `${n}b`])));
  }, 60_000);

  test.concurrent("finds the new master through its sentinels, with a password", async () => {
    await using topology = await startRedisSentinels({ password: "secret" });
    const { master, replica } = topology;
    await using queue = await open(topology.config, 1);
    const { producer, epoch, publish } = await openPublisher(queue);
    for (const text of ["a", "b", "c"]) await publish(text);
    expect(textsOf(await claim(queue, { max: 1 }))).toEqual(["a"]);
    await eventually(async () => Number(await replica.command("LLEN", "q:{telemetry:0}:ready")) === 2, {
      what: "the replica is up to date",
    });
    await master.kill();
    const next = () => queue.publish([batchOf(4, "d")], { producer, epoch });
    expect(await untilAvailable(next, { what: "a publication" })).toEqual({ kind: "accepted" });
    expect(await replica.command("ROLE")).toContain("master");
    expect(await queue.stats()).toMatchObject({ ready: 3, leased: 1, orphans: 0 });
    expect(await drain(queue)).toEqual(["b", "c", "d"]);
  }, 60_000);
});
