/** The two wirings under load: services over Redis, and everything in one process. */
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { Member } from "../../support/programs/member.ts";
import { addressOf, BUN, type Program, startProgram } from "../../support/programs/process.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { startRedisServer } from "../../support/servers/redis-server.ts";
import { type LoadSize, type StoredAt, storeFleet } from "./load.ts";

export interface Wiring extends AsyncDisposable {
  readonly url: string;
  /** Processes whose memory and CPU time are measured, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Publishes the load; resolves once everything is published. */
  publish(): Promise<StoredAt>;
}

const program = (name: string): string => join(import.meta.dir, `${name}-program.ts`);

async function published(by: Program, seconds: number): Promise<StoredAt> {
  const options = { what: "everything published", deadlineMs: (seconds + 60) * 1000 };
  const { storedAt } = await by.logLine(({ message }) => message === "published", options);
  return storedAt as StoredAt;
}

async function fill(path: string, size: LoadSize): Promise<void> {
  await using repository = await openRepository(
    { kind: "sqlite", path, retentionMs: 0 },
    { clock: systemClock, log: silentLogger },
  );
  await storeFleet(repository, size);
}

export async function openServicesUnderLoad(folder: string, size: LoadSize): Promise<Wiring> {
  await using opened = new AsyncDisposableStack();
  const path = join(folder, "services.sqlite");
  await fill(path, size);
  const redis = opened.use(await startRedisServer());
  const ports = { telemetry: await freePort(), inventory: await freePort(), "api-gateway": await freePort() };
  const common = { LOG_FORMAT: "json", SQLITE_PATH: path, REDIS_ADDR: redis.address, MAX_SUBSCRIPTIONS: "2000" };
  const members = Object.entries(ports).map(([name, port]) => {
    const env = {
      ...common,
      PORT: String(port),
      TELEMETRY_URL: `http://127.0.0.1:${ports.telemetry}/graphql`,
      INVENTORY_URL: `http://127.0.0.1:${ports.inventory}/graphql`,
      RATE_LIMIT: "0",
    };
    return opened.use(new Member({ name, command: [BUN, `services/${name}/main.ts`], env }));
  });
  for (const member of members) member.start();
  for (const member of members) await member.listening();
  const all = opened.move();
  return {
    url: `http://127.0.0.1:${ports["api-gateway"]}`,
    pids: Object.fromEntries(members.map(({ name, program: { pid } }) => [name, pid])),
    async publish() {
      const args = [path, String(redis.port), String(size.gpus), String(size.seconds)];
      await using publisher = startProgram([BUN, program("publisher"), ...args]);
      return await published(publisher, size.seconds);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export async function openEmbeddedUnderLoad(folder: string, size: LoadSize): Promise<Wiring> {
  const path = join(folder, "embedded.sqlite");
  await fill(path, size);
  const embedded = startProgram([BUN, program("embedded"), path, String(size.gpus), String(size.seconds)]);
  return {
    url: await addressOf(embedded),
    pids: { "all in one": embedded.pid },
    publish() {
      embedded.kill("SIGUSR1");
      return published(embedded, size.seconds);
    },
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}
