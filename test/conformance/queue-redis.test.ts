/** Conformance of the Redis queue on a real server, which `restart` kills. */
import { afterAll, describe, setDefaultTimeout } from "bun:test";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveRedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import type { OpenQueue } from "./queue/bench.ts";
import { queueConformance } from "./queue.ts";

/** Some tests publish tens of megabytes, which Redis writes to its append-only file. */
setDefaultTimeout(60_000);

describe.skipIf(!haveRedisServer())("on Redis", async () => {
  if (!haveRedisServer()) return;
  const server = await startRedisServer();
  const connections = await openQueueConnections(server.config);
  afterAll(async () => {
    await connections[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const openWith =
    (partitions: number): OpenQueue =>
    async ({ maxBytes = 1024 * 1024, maxDeliveries = 5 } = {}) => {
      const options = {
        partitions,
        maxBytes: maxBytes * partitions,
        maxDeliveries,
      };
      const opened = await connections.openQueue(options);
      return {
        queue: opened.queue,
        advance: opened.advance,
        restart: async () => {
          await server.kill();
          await server.start();
          await eventually(() => connections.commands.call("PING").catch(() => false), { what: "connected again" });
          return (await connections.openQueue({ ...options, name: opened.name })).queue;
        },
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    };
  queueConformance("Redis", openWith(1), { survivesRestart: true });
  queueConformance("Redis of four partitions", openWith(4), { survivesRestart: true });
});
