/** Kills and restarts one subgraph after another: the other fields still answer, and the lost ones come back. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { batchOf, factsOf, UTIL, uuidOf } from "../../conformance/repository/bench.ts";
import { type GraphqlAnswer, postGraphql } from "../../support/api/graphql-answer.ts";
import { type Events, openEvents } from "../../support/api/sse.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { openServices, type Services } from "../../support/programs/services.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

const QUERY = `{
  hosts { hostname }
  queues { name }
  page: gpuTelemetry(uuid: "${uuidOf(1)}") { count }
  gpus { gpus { uuid latest { value } } }
}`;
const WHOLE = {
  hosts: [{ hostname: "host-0" }],
  queues: [{ name: "readings" }],
  page: { count: 1 },
  gpus: { gpus: [{ uuid: uuidOf(1), latest: [{ value: 42 }] }] },
};
const WITHOUT = {
  inventory: { ...WHOLE, hosts: null, gpus: null },
  telemetry: { ...WHOLE, page: null, gpus: { gpus: [{ uuid: uuidOf(1), latest: null }] } },
  "queue-service": { ...WHOLE, queues: null },
} as const;
const SUBSCRIPTIONS = {
  telemetry: "subscription { readings { missed readings { value } } }",
  "queue-service": "subscription { queues { name } }",
} as const;
/** The first event of a subscription after the restart. */
const RESUMED = {
  telemetry: { readings: { missed: 1, readings: [{ value: 42 }] } },
  "queue-service": { queues: [{ name: "readings" }] },
} as const;
/** The product promises recovery within this time from the moment at which the restarted process listens. */
const BACK_MS = 5000;

describe.skipIf(!haveRedisServer())("with one subgraph killed", () => {
  const opened = new AsyncDisposableStack();
  let services: Services;
  let redis: RedisServer;
  const events = new Map<string, Events>();
  beforeAll(async () => {
    const folder = opened.use(await temporaryFolder());
    const path = join(folder.path, "trouble.sqlite");
    {
      const parts = { clock: systemClock, log: silentLogger };
      await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
      await repository.save([batchOf([[UTIL, 0, 42, factsOf(1)]])]);
    }
    redis = opened.use(await startRedisServer());
    const store = { SQLITE_PATH: path };
    services = opened.use(await openServices({ runtime: "bun", redis: redis.address, store, streamer: {} }));
    await services.start("queue-service", "inventory", "telemetry", "api-gateway");
    await services.ready();
    for (const [name, query] of Object.entries(SUBSCRIPTIONS)) {
      const opening = opened.use(await openEvents(services.url, query));
      expect((await opening.next()).errors).toBeUndefined();
      events.set(name, opening);
    }
  }, 60_000);
  afterAll(() => opened.disposeAsync());

  const ask = async (): Promise<GraphqlAnswer> =>
    (await postGraphql(`${services.url}/graphql`, JSON.stringify({ query: QUERY }))).json();
  const get = async (path: string) => {
    const response = await fetch(services.url + path);
    return [response.status, await response.json()];
  };

  for (const [name, dimmed] of Object.entries(WITHOUT) as [keyof typeof WITHOUT, object][]) {
    test(`${name} killed: the other fields answer, and all fields and subscriptions are back 5 s after its restart`, async () => {
      const subgraph = name === "queue-service" ? "pipeline" : name;
      expect(await ask()).toEqual({ data: WHOLE });
      await services.members[name].kill();
      const { data, errors = [] } = await ask();
      expect(data).toEqual(dimmed);
      expect(errors.length).toBeGreaterThan(0);
      for (const { message, extensions } of errors) {
        expect([message, extensions?.code]).toEqual([
          `Subgraph ${subgraph} is unavailable: try again in a moment`,
          "UNAVAILABLE",
        ]);
      }
      const away = { [subgraph]: "does not answer" };
      const degraded = async () => Bun.deepEquals(await get("/readyz"), [200, { status: "ready", degraded: away }]);
      await eventually(degraded, { what: "/readyz to name the subgraph" });
      expect(await get("/health")).toMatchObject([503, { status: "unhealthy", dependencies: away }]);

      // Drops the events from before the kill.
      const watcher = events.get(name);
      while (watcher !== undefined && watcher.waiting() > 0) await watcher.next();
      await services.start(name);
      const restartedAt = performance.now();
      const left = () => BACK_MS - (performance.now() - restartedAt);
      const whole = async () => (await ask()).errors === undefined;
      await eventually(whole, { what: "all fields", deadlineMs: left() });
      expect((await ask()).data).toEqual(WHOLE);
      if (watcher !== undefined) {
        await eventually(() => watcher.waiting() > 0, { what: "an event of its subscription", deadlineMs: left() });
        const { data, errors } = await watcher.next();
        expect(errors).toBeUndefined();
        expect(data).toMatchObject(RESUMED[name as keyof typeof RESUMED]);
      }
      await services.ready();
    }, 60_000);
  }

  test("Redis killed: the subscription to queues pauses, and resumes by itself", async () => {
    const watcher = events.get("queue-service") as Events;
    await redis.kill();
    const isAway = async () => ((await ask()).data as { queues: unknown }).queues === null;
    await eventually(isAway, { what: "queues to be unavailable" });
    while (watcher.waiting() > 0) await watcher.next();
    await redis.start();
    for (let frame = 0; frame < 2; frame++) expect((await watcher.next()).data.queues).toHaveLength(1);
    await services.ready();
  }, 60_000);
});
