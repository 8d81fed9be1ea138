/** The keys of the Redis queue: which exist, and for how long. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { MAX_BATCHES, MAX_CALL_ITEMS } from "../../services/queue/port.ts";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveSharedRedis, openSharedRedis } from "../support/servers/redis-server.ts";
import { batchOf, claim, claimOne, codeOf, openPublisher, receiptsOf, textsOf } from "./queue/bench.ts";

setDefaultTimeout(20_000);
const have = haveSharedRedis();

describe.skipIf(!have)("keys of the Redis queue", async () => {
  if (!have) return;
  const server = await openSharedRedis();
  const connections = await openQueueConnections(server.config);
  const { commands } = connections;
  afterAll(async () => {
    await connections[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const open = (options = {}) => connections.openQueue({ partitions: 1, maxBytes: 1000, maxDeliveries: 5, ...options });
  const keysOf = async (name: string): Promise<string[]> => {
    const keys = (await commands.call("KEYS", `q:{${name}:0}:*`)) as readonly Buffer[];
    return keys.map((key) => String(key).replace(/^.*?}:/, "")).sort();
  };

  test("are deleted when the queue is empty, except `sums` and those of producers", async () => {
    await using timed = await open({ maxDeliveries: 2 });
    const { queue, name } = timed;
    await (await openPublisher(queue, "csv")).publish("a", "b", "c", "d", "e", "f");
    const [a = "", b = "", c = "", d = ""] = receiptsOf(await claim(queue, { leaseMs: 1000 }));
    await queue.nack([a], { kind: "release" });
    await queue.nack([b], { kind: "retry", delayMs: 500, reason: "busy" });
    await queue.nack([c], { kind: "reject", reason: "damaged" });
    await timed.advance(1000);
    await queue.ack([d]);
    await queue.deadLetters.redrive();
    await queue.nack([(await claimOne(queue)).receipt], { kind: "reject", reason: "damaged" });
    await queue.deadLetters.purge();
    await queue.ack(receiptsOf(await claim(queue)));
    expect(await claim(queue)).toEqual([]);
    expect(await keysOf(name)).toEqual(["p:csv", "sums"]);
  });

  test("of producers expire thirty days after the last publish or open", async () => {
    await using timed = await open();
    const publisher = await openPublisher(timed.queue, "csv");
    const key = `q:{${timed.name}:0}:p:csv`;
    for (const act of [async () => {}, () => publisher.publish("a"), () => timed.queue.openProducer("csv")]) {
      await act();
      expect(Number(await commands.call("TTL", key))).toBeWithin(30 * 86_400 - 60, 30 * 86_400 + 1);
      await commands.call("EXPIRE", key, 1000);
    }
  });

  test("of a producer do not keep an epoch that has no successor", async () => {
    await using timed = await open();
    await commands.call("SET", `q:{${timed.name}:0}:p:csv`, `${Number.MAX_SAFE_INTEGER}:2:after b`);
    const publisher = await openPublisher(timed.queue, "csv");
    expect(publisher).toMatchObject({ seq: 2, position: "after b" });
    expect(publisher.epoch).toBeLessThanOrEqual(Date.now() + 1000);
    expect(await publisher.publish("c")).toEqual({ kind: "accepted" });
  });

  test("hold one token while a batch is ready that no claim has looked for", async () => {
    await using timed = await open();
    const { queue, name } = timed;
    const tokens = () => commands.call("LLEN", `q:{${name}:0}:wake`);
    const publisher = await openPublisher(queue);
    await publisher.publish("a", "b");
    await publisher.publish("c");
    expect(await tokens()).toBe(1);
    await commands.call("LPOP", `q:{${name}:0}:wake`);
    const held = await claim(queue, { max: 2 });
    expect(await tokens()).toBe(1);
    await claim(queue);
    expect(await claim(queue)).toEqual([]);
    expect(await tokens()).toBe(0);
    await queue.nack(receiptsOf(held).slice(0, 1), { kind: "release" });
    expect(await tokens()).toBe(1);
    await claim(queue);
    await claim(queue);
    await queue.nack(receiptsOf(held).slice(1), { kind: "retry", delayMs: 0, reason: "busy" });
    expect(await tokens()).toBe(1);
  });

  test("of one partition hold an equal share of MAX_BATCHES and maxBytes", async () => {
    const partitions = MAX_BATCHES / (4 * MAX_CALL_ITEMS);
    await using timed = await open({ partitions });
    const publisher = await openPublisher(timed.queue);
    const call = Array.from({ length: MAX_CALL_ITEMS }, () => "");
    for (let calls = 0; calls < 4; calls++) expect(await publisher.publish(...call)).toEqual({ kind: "accepted" });
    expect(await publisher.publish("")).toMatchObject({ kind: "full" });
    await timed.queue.nack([(await claimOne(timed.queue)).receipt], { kind: "reject", reason: "damaged" });
    expect(await publisher.publish("")).toEqual({ kind: "accepted" });
    expect(await timed.queue.deadLetters.redrive()).toBe(0);

    await using shared = await open({ partitions: 4 });
    const { epoch } = await shared.queue.openProducer("csv");
    const publish = (bytes: number) =>
      shared.queue.publish([{ ...batchOf(1, ""), body: new Uint8Array(bytes) }], { producer: "csv", epoch });
    expect(await codeOf(publish(251))).toBe("too_large");
    expect(await publish(250)).toEqual({ kind: "accepted" });
  });

  test("serve several processes at once", async () => {
    await using first = await open();
    await using second = await open({ name: first.name });
    const publisher = await openPublisher(first.queue);
    const waiting = [claim(first.queue, { max: 1, waitMs: 30_000 }), claim(second.queue, { max: 1, waitMs: 30_000 })];
    await publisher.publish("a", "b");
    const [one = [], other = []] = await Promise.all(waiting);
    expect(textsOf([...one, ...other]).sort()).toEqual(["a", "b"]);
    expect(await second.queue.ack(receiptsOf(one))).toEqual([true]);
    expect(await first.queue.ack(receiptsOf(other))).toEqual([true]);
    await (await openPublisher(second.queue)).publish("c");
    expect(await publisher.publish("d")).toEqual({ kind: "fenced" });
  });
});
