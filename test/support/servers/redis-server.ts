/** Redis servers for tests: private ones that a test may kill and restart, and the shared one. */
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
  /** Runs one command on its own connection. Text replies are strings. */
  command(...args: readonly [string, ...(string | number)[]]): Promise<unknown>;
  /** Sends a signal, SIGKILL by default, and waits for the end; SIGSTOP and SIGCONT return at once. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again after `kill`, with the same port, directory and arguments. */
  start(): Promise<void>;
}

const BINARY = Bun.which("redis-server") ?? Bun.which("valkey-server");
const IMAGE = "redis:7";
const ATTEMPTS = 5;

/** The kind of server that `openSharedRedis` opens; null: there is none. */
const SHARED = process.env.REDIS_URL || BINARY !== null ? "server" : (await hasContainerEngine()) ? "container" : null;

/** Whether a private server can be started, for `describe.skipIf` and `test.skipIf`. */
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
  /** Arguments after the defaults, which they override: AOF always synced, no snapshots, `noeviction`. */
  readonly args?: readonly string[];
  /** Password of the server and of its replicas and clients. */
  readonly password?: string | undefined;
  /** Lines of a sentinel configuration. With them the server is a sentinel. */
  readonly sentinel?: string | undefined;
}

/** Starts an empty server; resolves once it answers. */
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
 * Durable, without a memory limit, never evicting. `args` come last and win. With `appendfsync everysec` a kill may
 * lose confirmed writes: while the disk is slow, Redis answers before it writes.
 */
const argumentsOf = (port: number, folder: string, { args = [], password }: RedisServerOptions): string[] => [
  ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--logfile", join(folder, "redis.log")],
  ...["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
  ...["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"],
  ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
  ...args,
];

/** Writes the configuration file that a sentinel needs: it stores its state there. */
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
  if (BINARY === null) throw new Error("redis-server must be on PATH");
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
    .catch(() => "no log file");

/**
 * Opens a server for tests that use their own keys only: the server of REDIS_URL, otherwise a private one, otherwise a
 * container.
 */
export async function openSharedRedis(): Promise<{ readonly config: RedisConfig } & AsyncDisposable> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL) {
    announceBackend("Redis", "the server of REDIS_URL");
    return { config: configOf(REDIS_URL), [Symbol.asyncDispose]: async () => {} };
  }
  if (BINARY !== null) {
    announceBackend("Redis", BINARY);
    // No test kills it, so it needs no append-only file.
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

/** Whether `openSharedRedis` finds a server. */
export const haveSharedRedis = (): boolean =>
  SHARED !== null || withoutBackend("Redis", "REDIS_URL, redis-server and valkey-server on PATH, Docker") !== null;

/** Resolves once the replica has caught up with its master. */
export const followsItsMaster = (replica: RedisServer): Promise<unknown> =>
  eventually(async () => String(await replica.command("INFO", "replication")).includes("master_link_status:up"), {
    what: `replica ${replica.address} follows`,
  });
