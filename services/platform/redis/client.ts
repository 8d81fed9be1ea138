/**
 * Clients of Redis as we want them: the one file that knows their driver. A client runs a command once or says that it
 * cannot tell; trying again is for those who know what a second run would do.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Availability } from "../process/availability.ts";
import { backoffMs, systemClock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import type { RedisConfig } from "./config.ts";

/** A server that is there accepts within this. */
const CONNECT_MS = 2000;
/** A server that is there answers within this; one that stays silent is taken for lost, and its connection is cut. */
const REPLY_MS = 5000;
/** How long opening waits for Redis before it goes on without. */
const OPEN_MS = 3000;
/** The longest that one command of a blocking connection may wait. */
export const MAX_BLOCK_MS = 5000;

export type RedisRole = "commands" | "blocking";
export type RedisClient = Redis | Cluster;
export type RedisServerClient = Redis;

export const reconnectMs = (attempt: number): number => backoffMs(attempt, { baseMs: 50, capMs: 1000 });

/** The reason of an outage where the driver gives none. */
export const CONNECTION_ENDED = "the connection ended";

/** Its log lines name the connection. */
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
    // Half-open connections are found by their silence.
    socketTimeout: role === "commands" ? REPLY_MS + 500 : MAX_BLOCK_MS + REPLY_MS,
    // What was sent when a connection ends is answered with an error at once, and never sent again.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    // A server that is no master any more keeps its connections: look for the new one.
    reconnectOnError: (error: Error) => /^(READONLY|UNBLOCKED)/.test(error.message),
  } satisfies RedisOptions;
}

type ServerOptions = Pick<RedisOptions, "sentinels" | "name" | "host" | "port">;

function serverOptions({ mode, addresses, sentinelName }: RedisConfig, turn: number): ServerOptions {
  if (mode === "sentinel") return { sentinels: [...addresses], name: sentinelName ?? undefined };
  return { ...addresses[turn % addresses.length] };
}

/** Reconnects for as long as it is not told to disconnect. */
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
    // Would send again what may have run when the connection to a node ended.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Certificates name hosts.
    ...(config.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
  });
}

/** One connection to the server, the master or, by `turn`, a node of the cluster; it ends when it is cut. */
export const createServerClient = (config: RedisConfig, name: string, turn: number): RedisServerClient =>
  new Redis({
    ...commonOptions(config, name, "commands"),
    ...serverOptions(config, turn),
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
  });

/** Resolves when `opened` calls back, or after a few seconds without. */
export const untilOpened = (opened: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, OPEN_MS);
    opened(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** The one server, or every node of the cluster that is known. */
export const serversOf = (client: RedisClient): readonly RedisServerClient[] =>
  client instanceof Cluster ? client.nodes("all") : [client];

/** While the connection to a node of a cluster is being made, the calls to it are refused: so they are made before. */
export async function connectNodes(client: RedisClient): Promise<void> {
  if (!(client instanceof Cluster)) return;
  const idle = client.nodes("all").filter(({ status }) => status === "wait");
  await Promise.all(idle.map((node) => node.connect().catch(ignore)));
}
