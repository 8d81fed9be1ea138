/** The Redis queue against the model, and planted mistakes that the comparison must find. */
import { afterAll, describe, expect, test } from "bun:test";
import type { Queue } from "../../services/queue/port.ts";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveSharedRedis, openSharedRedis } from "../support/servers/redis-server.ts";
import type { OpenQueue } from "./queue/bench.ts";
import { checkQueueModel } from "./queue/check-model.ts";
import { QUEUE_MUTANTS } from "./queue/mutants.ts";

const have = haveSharedRedis();

describe.skipIf(!have)("queue model on Redis", async () => {
  if (!have) return;
  const server = await openSharedRedis();
  const connections = await openQueueConnections(server.config);
  afterAll(async () => {
    await connections[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const open =
    (mutate = (queue: Queue) => queue): OpenQueue =>
    async ({ maxBytes = 1024, maxDeliveries = 5 } = {}) => {
      const opened = await connections.openQueue({ partitions: 1, maxBytes, maxDeliveries });
      return {
        queue: mutate(opened.queue),
        advance: opened.advance,
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    };

  test("does what the model does, for any sequence of calls", async () => {
    const { failed, report } = await checkQueueModel(open(), { runs: 2000, limitMs: 8000 });
    expect(report).toBe("");
    expect(failed).toBe(false);
  }, 60_000);

  for (const [mistake, mutate] of Object.entries(QUEUE_MUTANTS)) {
    test(`finds out when ${mistake}`, async () => {
      const { failed, report } = await checkQueueModel(open(mutate), { runs: 2000, limitMs: 25_000 });
      expect(failed).toBe(true);
      expect(report).toMatch(/expect\(received\)/);
    }, 60_000);
  }
});
