/**
 * Redis clients. Only this file imports the driver. A client runs each command at most once. If a reply is lost, the
 * call fails, and only the caller may retry, because only the caller knows what a second run would do.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Availability } from "../process/availability.ts";
import { backoffMs, systemClock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import type { RedisConfig } from "./config.ts";

/** How long a connection attempt may take. */
const CONNECT_MS = 2000;
/** How long a reply may take. If the server stays silent for longer, the connection counts as lost and is cut. */
const REPLY_MS = 5000;
/** How long opening waits for Redis before it returns without a connection. */
const OPEN_MS = 3000;
/** How long one command may wait on a blocking connection. */
export const MAX_BLOCK_MS = 5000;

export type RedisRole = "commands" | "blocking";
export type RedisClient = Redis | Cluster;
export type RedisServerClient = Redis;

export const reconnectMs = (attempt: number): number => backoffMs(attempt, { baseMs: 50, capMs: 1000 });

/** The reason that is logged for an outage if the driver gives none. */
export const CONNECTION_ENDED = "the connection ended";

/** Returns an `Availability` that logs the outages of one connection with its name. */
export const redisAvailability = (connection: string, log: Logger): Availability =>
  new Availability("redis", { log: log.child({ connection }), clock: systemClock });

export const ignore = (): void => {};

function commonOptions(config: RedisConfig, name: string, role: RedisRole) {
  const tls = config.tls ? {} : undefined;
  return {
    username: config.username ?? undefined,
    password: config.password ?? undefined,
    sentinelPassword: config.password ?? undefined,
    tls,
    sentinelTLS: tls,
    enableTLSForSentinelMode: config.tls,
    db: config.db,
    connectionName: name,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    sentinelCommandTimeout: CONNECT_MS,
    commandTimeout: role === "commands" ? REPLY_MS : undefined,
    // A half-open connection shows only by its silence.
    socketTimeout: role === "commands" ? REPLY_MS + 500 : MAX_BLOCK_MS + REPLY_MS,
    // If a connection ends, its pending commands fail at once and are never sent again.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    // A demoted master keeps its connections, so the client must reconnect to find the new master.
    reconnectOnError: (error: Error) => /^(READONLY|UNBLOCKED)/.test(error.message),
  } satisfies RedisOptions;
}

type ServerOptions = Pick<RedisOptions, "sentinels" | "name" | "host" | "port">;

function serverOptions({ mode, addresses, sentinelName }: RedisConfig, turn: number): ServerOptions {
  if (mode === "sentinel") return { sentinels: [...addresses], name: sentinelName ?? undefined };
  return { ...addresses[turn % addresses.length] };
}

/** Returns a client that reconnects until `disconnect` is called. */
export function createClient(config: RedisConfig, name: string, role: RedisRole): RedisClient {
  const options = commonOptions(config, name, role);
  if (config.mode !== "cluster") {
    const retrying = { retryStrategy: reconnectMs, sentinelRetryStrategy: reconnectMs };
    return new Redis({ ...options, ...serverOptions(config, 0), ...retrying });
  }
  return new Cluster([...config.addresses], {
    redisOptions: options,
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectMs,
    // A retry would repeat a command that may have run before the connection to its node ended.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Nodes must be reached by host name, because their certificates contain no addresses.
    ...(config.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
  });
}

/** Opens one connection that never reconnects: to the server, the master, or one node of the cluster (by `turn`). */
export const createServerClient = (config: RedisConfig, name: string, turn: number): RedisServerClient =>
  new Redis({
    ...commonOptions(config, name, "commands"),
    ...serverOptions(config, turn),
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
  });

/** Resolves when `opened` calls `done`, or after `OPEN_MS`. */
export const untilOpened = (opened: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, OPEN_MS);
    opened(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Returns the server, or every known node of the cluster. */
export const serversOf = (client: RedisClient): readonly RedisServerClient[] =>
  client instanceof Cluster ? client.nodes("all") : [client];

/** Connects to every node of a cluster, because calls to a node that is still connecting are refused. */
export async function connectNodes(client: RedisClient): Promise<void> {
  if (!(client instanceof Cluster)) return;
  const idle = client.nodes("all").filter(({ status }) => status === "wait");
  await Promise.all(idle.map((node) => node.connect().catch(ignore)));
}
