/** Redis servers for tests: private ones that can be killed and come back, and the one that is shared. */
import { join } from "node:path";
import { Redis } from "ioredis";
import type { RedisConfig } from "../../services/platform/redis-config.ts";
import { haveBackend } from "./backends.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { temporaryFolder } from "./temporary-folder.ts";

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
const ATTEMPTS = 5;

/** Whether a private server can be started: what `describe.skipIf` and `test.skipIf` want to know. */
export const haveRedisServer = (): boolean => haveBackend("redis-server", BINARY);

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
  /** Appended to the defaults: AOF each second, no snapshots, `noeviction`. */
  readonly args?: readonly string[];
  /** Given to every server and client of a test of passwords. */
  readonly password?: string;
}

/** Empty and answering when it resolves. */
export async function startRedisServer({ args = [], password }: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), args, password);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Durable, bounded by nothing, refusing rather than evicting; `args` are appended, and the last one wins. */
const optionsOf = (port: number, folder: string, args: readonly string[], password: string | undefined): string[] => [
  ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--logfile", join(folder, "redis.log")],
  ...["--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"],
  ...["--enable-debug-command", "yes"],
  ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
  ...args,
];

async function startOn(port: number, args: readonly string[], password: string | undefined): Promise<RedisServer> {
  if (BINARY === null) throw new Error("redis-server was not found");
  const folder = await temporaryFolder();
  const commandLine = [BINARY, ...optionsOf(port, folder.path, args, password)];
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
        { what: `redis-server on port ${port} answers`, deadlineMs: 15_000 },
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
 * one.
 */
export async function openSharedRedis(): Promise<{ readonly config: RedisConfig } & AsyncDisposable> {
  const { REDIS_URL } = process.env;
  if (!REDIS_URL) return await startRedisServer();
  const { hostname, port, username, password, pathname, protocol } = new URL(REDIS_URL);
  const config = singleServer(hostname, Number(port || 6379), {
    username: username || null,
    password: password || null,
    db: Number(pathname.slice(1) || 0),
    tls: protocol === "rediss:",
  });
  return { config, [Symbol.asyncDispose]: async () => {} };
}

/** Whether `openSharedRedis` has one to open. */
export const haveSharedRedis = (): boolean => haveBackend("Redis", process.env.REDIS_URL || BINARY);
