/** Conformance of the HTTP queue in front of a real Redis, which `restart` kills. */
import { afterAll, describe } from "bun:test";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveRedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { overHttp } from "./queue/over-http.ts";
import { queueConformance } from "./queue.ts";

describe.skipIf(!haveRedisServer())("over HTTP", async () => {
  if (!haveRedisServer()) return;
  const server = await startRedisServer({ args: ["--appendfsync", "always"] });
  const connections = await openQueueConnections(server.config);
  afterAll(async () => {
    await connections[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  queueConformance(
    "HTTP over Redis",
    overHttp(async ({ maxBytes = 1024 * 1024, maxDeliveries = 5 } = {}) => {
      const opened = await connections.openQueue({ partitions: 1, maxBytes, maxDeliveries });
      return {
        ...opened,
        restart: async () => {
          await server.kill();
          await server.start();
          await eventually(() => connections.commands.call("PING").catch(() => false), { what: "connected again" });
          return opened.queue;
        },
      };
    }),
    { survivesRestart: true },
  );
});
