/** The servers under load: all-in-one, the distributed services over the same SQLite file, and a bare server. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writePieces } from "../../../data/output.ts";
import { DEFAULT_SIMULATION, simulate } from "../../../data/simulation.ts";
import { Member } from "../../support/programs/member.ts";
import { addressOf, BUN, type Program, startProgram } from "../../support/programs/process.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { startRedisServer } from "../../support/servers/redis-server.ts";

/** 247 GPUs on 19 hosts, 15 metrics, one tick every 15 s for half an hour. */
const FLEET = { ...DEFAULT_SIMULATION, hosts: 19, gpusPerHost: 13 };
const ENV = { NODE_ENV: "production", HOST: "127.0.0.1", LOG_FORMAT: "json" };
const SOURCE_LIMIT_MS = 120_000;

export interface Servers extends AsyncDisposable {
  /** all-in-one: every subgraph in the gateway's process. */
  readonly embedded: Server;
  /** api-gateway, its subgraphs over HTTP. */
  readonly distributed: Server;
  /** The subgraphs themselves. */
  readonly inventory: Server;
  readonly telemetry: Server;
}

export interface Server {
  readonly url: string;
  readonly pid: number;
}

export async function startServers(folder: string): Promise<Servers> {
  const csv = join(folder, "fleet.csv");
  const store = { SQLITE_PATH: join(folder, "telemetry.sqlite") };
  await writePieces(simulate(FLEET), csv);
  await using opened = new AsyncDisposableStack();
  const start = async (name: string, env: Record<string, string>): Promise<Server> => {
    const port = await freePort();
    const command = [BUN, `services/${name}/main.ts`];
    const member = opened.use(new Member({ name, command, env: { ...ENV, PORT: String(port), ...env } }));
    member.start();
    await member.listening();
    if (name === "all-in-one") await sourceEnded(member.program);
    return { url: `http://127.0.0.1:${port}`, pid: member.program.pid };
  };
  const source = { CSV_PATH: csv, STREAM_INTERVAL: "0", LOOP_MODE: "false" };
  const embedded = await start("all-in-one", { ...store, ...source });
  const redis = opened.use(await startRedisServer());
  const inventory = await start("inventory", store);
  const telemetry = await start("telemetry", { ...store, REDIS_ADDR: redis.address });
  const distributed = await start("api-gateway", {
    INVENTORY_URL: `${inventory.url}/graphql`,
    TELEMETRY_URL: `${telemetry.url}/graphql`,
    RATE_LIMIT: "0",
    // No query of this bench needs it.
    PIPELINE_URL: "http://127.0.0.1:1/graphql",
  });
  const all = opened.move();
  return { embedded, distributed, inventory, telemetry, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const sourceEnded = (program: Program) =>
  program.logLine(({ message }) => message === "source ended", {
    what: "the fleet is stored",
    deadlineMs: SOURCE_LIMIT_MS,
  });

/** @param answers response body by path */
export async function startBareServer(folder: string, answers: Readonly<Record<string, string>>) {
  const file = join(folder, "answers.json");
  await writeFile(file, JSON.stringify(answers));
  const program = startProgram([BUN, "test/bench/api/bare-program.ts", file], ENV);
  return {
    url: await addressOf(program),
    pid: program.pid,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
