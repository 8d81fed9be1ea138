/**
 * Redis clients: the one file that knows the driver. A client runs each command at most once. If a reply is lost, the
 * call fails and only the caller, who knows what a second run would do, may retry.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Availability } from "../process/availability.ts";
import { backoffMs, systemClock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import type { RedisConfig } from "./config.ts";

/** Limit for a connection attempt. */
const CONNECT_MS = 2000;
/** Limit for a reply. A server that stays silent for longer counts as lost, and its connection is cut. */
const REPLY_MS = 5000;
/** How long opening waits for Redis before it returns without a connection. */
const OPEN_MS = 3000;
/** Limit for the wait of one command on a blocking connection. */
export const MAX_BLOCK_MS = 5000;

export type RedisRole = "commands" | "blocking";
export type RedisClient = Redis | Cluster;
export type RedisServerClient = Redis;

export const reconnectMs = (attempt: number): number => backoffMs(attempt, { baseMs: 50, capMs: 1000 });

/** The reason of an outage where the driver gives none. */
export const CONNECTION_ENDED = "the connection ended";

/** Logs the outages of one connection, by its name. */
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
    // Silence reveals a half-open connection.
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

/** Reconnects until it is disconnected. */
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
    // Certificates name hosts, not addresses.
    ...(config.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
  });
}

/** One connection, without reconnecting: to the server, the master or, by `turn`, one node of the cluster. */
export const createServerClient = (config: RedisConfig, name: string, turn: number): RedisServerClient =>
  new Redis({
    ...commonOptions(config, name, "commands"),
    ...serverOptions(config, turn),
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
  });

/** Resolves when `opened` calls back, at the latest after 3 s. */
export const untilOpened = (opened: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, OPEN_MS);
    opened(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** The server, or every known node of the cluster. */
export const serversOf = (client: RedisClient): readonly RedisServerClient[] =>
  client instanceof Cluster ? client.nodes("all") : [client];

/** Connects to every node of a cluster, because calls to a node that is still connecting are refused. */
export async function connectNodes(client: RedisClient): Promise<void> {
  if (!(client instanceof Cluster)) return;
  const idle = client.nodes("all").filter(({ status }) => status === "wait");
  await Promise.all(idle.map((node) => node.connect().catch(ignore)));
}
