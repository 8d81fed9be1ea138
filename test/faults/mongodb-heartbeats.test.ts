/** Clients of a MongoDB store reconnect to a server that was killed during their calls. */
import { expect, test } from "bun:test";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository } from "../../services/repository/open.ts";
import type { Repository } from "../../services/repository/port.ts";
import { randomDatabase, requirePrivateMongo } from "../support/servers/mongo-server.ts";
import { eventually } from "../support/time/eventually.ts";

const CLIENTS = 16;
const KILLS = 2;
/** Longer than the driver's shortest pause: after it, a broken connection triggers a heartbeat at once. */
const HEARTBEAT_PAUSE_MS = 700;

const answers = (repository: Repository): Promise<boolean> =>
  repository.gpus({ limit: 1 }).then(
    () => true,
    () => false,
  );

test("MongoDB store answers again after its server was killed during calls", async () => {
  await using server = await requirePrivateMongo("heartbeats");
  if (server === null) return;
  await using opened = new AsyncDisposableStack();
  const config = {
    kind: "mongodb",
    url: server.uri,
    database: randomDatabase(),
    poolSize: 2,
    retentionMs: 0,
    format: 2,
  } as const;
  const repositories: Repository[] = [];
  for (let client = 0; client < CLIENTS; client++) {
    repositories.push(opened.use(await openRepository(config, { clock: systemClock, log: silentLogger })));
  }
  let asking = true;
  let asked = 0;
  const work = repositories.map(async (repository) => {
    while (asking) if (await answers(repository)) asked++;
  });
  opened.defer(async () => {
    asking = false;
    await Promise.all(work);
  });
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = asked;
    const soonest = performance.now() + HEARTBEAT_PAUSE_MS;
    await eventually(() => asked > before + 20 * CLIENTS && performance.now() > soonest, {
      what: "answers for all clients",
    });
    await server.kill();
    // Each client has then noticed the outage.
    await Promise.all(
      repositories.map((repository) => eventually(async () => !(await answers(repository)), { what: "a refusal" })),
    );
    await server.start();
    await Promise.all(
      repositories.map((repository, client) =>
        eventually(() => answers(repository), { what: `client ${client} after kill ${kill}` }),
      ),
    );
  }
  expect(asked).toBeGreaterThan(KILLS * 20 * CLIENTS);
}, 240_000);
