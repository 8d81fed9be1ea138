/** The stores that a collector can write into in a round. */
import { join } from "node:path";
import { randomDatabase, requirePrivateMongo } from "../../support/servers/mongo-server.ts";
import { cpuSeconds } from "../proc.ts";
import { countInMongo, countInSqlite } from "../stored.ts";
import type { Workspace } from "../workspace.ts";

export interface BenchStore extends AsyncDisposable {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  count(): Promise<number>;
  /** CPU time of the store's server, seconds; 0 for a store inside the collector. */
  cpuS(): number;
}

export async function openSqliteStore(workspace: Workspace): Promise<BenchStore> {
  const path = join(await workspace.folder("store"), "telemetry.sqlite");
  return {
    name: "SQLite",
    env: { SQLITE_PATH: path },
    count: () => countInSqlite(path),
    cpuS: () => 0,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** @throws Error that says how to get a MongoDB-compatible server */
export async function openMongoStore(): Promise<BenchStore> {
  const server = await requirePrivateMongo("bench pipeline");
  if (server === null)
    throw new Error("bench pipeline needs a MongoDB-compatible server: install mongod, or Go 1.22 to build ferretdb");
  const database = randomDatabase();
  return {
    name: server.name,
    env: { MONGODB_URI: server.uri, MONGODB_DATABASE: database },
    count: () => countInMongo(server.uri, database),
    cpuS: () => (server.pid === null ? 0 : cpuSeconds(server.pid)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
