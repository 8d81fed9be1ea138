import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { openEvents } from "../../support/api/sse.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { openServices, type Services } from "../../support/programs/services.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

const QUERY = "subscription { readings { missed readings { gpuUuid metricName value timestamp } } }";
const STEP_MS = 60_000;

interface Frame {
  readonly missed: number;
  readonly readings: readonly { readonly gpuUuid: string; readonly timestamp: string }[];
}

const newest = ({ readings }: Frame): number => Math.max(0, ...readings.map(({ timestamp }) => Date.parse(timestamp)));

for (const runtime of ["bun", "deno"] as const) {
  describe.skipIf(!haveRedisServer())(`live readings of the six services on ${runtime}`, () => {
    let redis: RedisServer;
    let services: Services;
    let opened: AsyncDisposableStack;
    beforeEach(async () => {
      opened = new AsyncDisposableStack();
      redis = opened.use(await startRedisServer());
      services = opened.use(
        await openServices({
          runtime,
          redis: redis.address,
          store: { SQLITE_PATH: join(folder.path, `live-${runtime}.sqlite`) },
          streamer: { STREAM_INTERVAL: "20ms" },
        }),
      );
      await services.start("queue-service", "collector", "inventory", "telemetry", "api-gateway");
      await services.ready();
    }, STEP_MS);
    afterEach(() => opened.disposeAsync());

    test(
      "reach readers over WebSocket and SSE, also after telemetry was killed and started again",
      async () => {
        await using events = await openEvents(services.url, QUERY);
        const client = createClient({
          url: `${services.url.replace("http", "ws")}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
        });
        const frames = client.iterate<{ readings: Frame }>({ query: QUERY });
        const readers: Readonly<Record<string, () => Promise<Frame>>> = {
          events: async () => (await events.next()).data.readings,
          socket: async () => {
            const { value } = await frames.next();
            if (value?.data == null) throw new Error(`The subscription ended: ${JSON.stringify(value)}`);
            return value.data.readings;
          },
        };
        /** The first of the next frames that fits. */
        const told = (name: string, fits: (frame: Frame) => boolean, what: string): Promise<Frame> => {
          const next = readers[name] as () => Promise<Frame>;
          return eventually(
            async () => {
              const frame = await next();
              return fits(frame) ? frame : undefined;
            },
            { what: `${name}: ${what}`, deadlineMs: STEP_MS },
          ) as Promise<Frame>;
        };

        for (const name of Object.keys(readers)) {
          expect(await told(name, () => true, "the snapshot")).toEqual({ missed: 0, readings: [] });
        }
        await services.start("streamer");
        for (const name of Object.keys(readers)) await told(name, (frame) => newest(frame) > 0, "what was just stored");

        await services.members.telemetry.kill();
        const killedAt = Date.now();
        await services.start("telemetry");
        for (const name of Object.keys(readers)) {
          const resumed = await told(name, ({ missed }) => missed > 0, "something may have been missed");
          expect(resumed.readings.length).toBeGreaterThan(0);
          await told(name, (frame) => newest(frame) > killedAt, "what was stored after the kill");
        }
        await client.dispose();
      },
      2 * STEP_MS,
    );
  });
}
