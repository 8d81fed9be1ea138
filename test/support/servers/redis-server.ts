/** Redis servers for tests: private ones that can be killed and come back, and the one that is shared. */
import { join } from "node:path";
import { Redis } from "ioredis";
import { GenericContainer } from "testcontainers";
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { eventually } from "../time/eventually.ts";
import { announceBackend, hasContainerEngine, withoutBackend } from "./backend.ts";
import { freePort } from "./free-port.ts";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly config: RedisConfig;
  /** One command on a connection of its own; text comes back as text. */
  command(...args: readonly [string, ...(string | number)[]]): Promise<unknown>;
  /** Default SIGKILL, which it waits for; SIGSTOP and SIGCONT return at once. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** After a kill: the same port, directory and arguments. */
  start(): Promise<void>;
}

const BINARY = Bun.which("redis-server") ?? Bun.which("valkey-server");
const IMAGE = "redis:7";
const ATTEMPTS = 5;

/** What `openSharedRedis` opens; null: nothing. */
const SHARED = process.env.REDIS_URL || BINARY !== null ? "server" : (await hasContainerEngine()) ? "container" : null;

/** Whether a private server can be started: what `describe.skipIf` and `test.skipIf` want to know. */
export const haveRedisServer = (): boolean =>
  BINARY !== null || withoutBackend("Redis", "redis-server and valkey-server on PATH") !== null;

const singleServer = (host: string, port: number, more: Partial<RedisConfig> = {}): RedisConfig => ({
  mode: "single",
  addresses: [{ host, port }],
  sentinelName: null,
  username: null,
  password: null,
  db: 0,
  tls: false,
  ...more,
});

async function sendCommand(port: number, args: readonly (string | number)[], password?: string): Promise<unknown> {
  const client = new Redis({ host: "127.0.0.1", port, password, lazyConnect: true, retryStrategy: null });
  client.on("error", () => {});
  try {
    await client.connect();
    return await client.call(...(args as [string, ...(string | number)[]]));
  } finally {
    client.disconnect();
  }
}

export interface RedisServerOptions {
  /** Appended to the defaults: AOF always synced, no snapshots, `noeviction`. */
  readonly args?: readonly string[];
  /** Given to every server and client of a test of passwords. */
  readonly password?: string | undefined;
  /** Lines of its configuration make a sentinel of it. */
  readonly sentinel?: string | undefined;
}

/** Empty and answering when it resolves. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), options);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Durable, bounded by nothing, refusing rather than evicting; `args` are appended, and the last one wins. With
 * `appendfsync everysec` a kill may lose what was answered: while its disk is slow, Redis answers before it writes.
 */
const argumentsOf = (port: number, folder: string, { args = [], password }: RedisServerOptions): string[] => [
  ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--logfile", join(folder, "redis.log")],
  ...["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
  ...["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"],
  ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
  ...args,
];

/** A sentinel keeps what it learns in its configuration. */
async function writeSentinel(
  port: number,
  folder: string,
  { sentinel, password }: RedisServerOptions,
): Promise<string> {
  const path = join(folder, "sentinel.conf");
  const login = password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`];
  const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, `logfile ${join(folder, "redis.log")}`, ...login];
  await Bun.write(path, `${lines.join("\n")}\n${sentinel}\n`);
  return path;
}

async function startOn(port: number, options: RedisServerOptions): Promise<RedisServer> {
  if (BINARY === null) throw new Error("redis-server was not found");
  const folder = await temporaryFolder();
  const { password, sentinel } = options;
  const commandLine =
    sentinel === undefined
      ? [BINARY, ...argumentsOf(port, folder.path, options)]
      : [BINARY, await writeSentinel(port, folder.path, options), "--sentinel"];
  let child: Bun.Subprocess | undefined;

  const server: RedisServer = {
    port,
    address: `127.0.0.1:${port}`,
    config: singleServer("127.0.0.1", port, { password: password ?? null }),
    command: (...parts) => sendCommand(port, parts, password),
    kill: async (signal = "SIGKILL") => {
      child?.kill(signal);
      if (signal !== "SIGSTOP" && signal !== "SIGCONT") await child?.exited;
    },
    start: async () => {
      const started = Bun.spawn(commandLine, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
      child = started;
      await eventually(
        async () => {
          if (started.exitCode !== null) throw new Error(`redis-server ended: ${await logOf(folder.path)}`);
          return (await server.command("PING").catch(() => null)) === "PONG";
        },
        { what: `redis-server on port ${port} answers` },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await server.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

const logOf = (folder: string): Promise<string> =>
  Bun.file(join(folder, "redis.log"))
    .text()
    .catch(() => "it left no log");

/**
 * For tests that share a server with others and keep to keys of their own: the one that REDIS_URL names, else a private
 * one, else a container.
 */
export async function openSharedRedis(): Promise<{ readonly config: RedisConfig } & AsyncDisposable> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL) {
    announceBackend("Redis", "the server that REDIS_URL names");
    return { config: configOf(REDIS_URL), [Symbol.asyncDispose]: async () => {} };
  }
  if (BINARY !== null) {
    announceBackend("Redis", BINARY);
    // Nobody kills it.
    return await startRedisServer({ args: ["--appendonly", "no"] });
  }
  announceBackend("Redis", `a container of ${IMAGE}`);
  const container = await new GenericContainer(IMAGE).withExposedPorts(6379).start();
  return {
    config: singleServer(container.getHost(), container.getMappedPort(6379)),
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}

function configOf(url: string): RedisConfig {
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  return singleServer(hostname, Number(port || 6379), {
    username: username || null,
    password: password || null,
    db: Number(pathname.slice(1) || 0),
    tls: protocol === "rediss:",
  });
}

/** Whether `openSharedRedis` has one to open. */
export const haveSharedRedis = (): boolean =>
  SHARED !== null || withoutBackend("Redis", "REDIS_URL, redis-server and valkey-server on PATH, Docker") !== null;

/** A replica has all that its master has. */
export const followsItsMaster = (replica: RedisServer): Promise<unknown> =>
  eventually(async () => String(await replica.command("INFO", "replication")).includes("master_link_status:up"), {
    what: `replica ${replica.address} follows`,
  });
