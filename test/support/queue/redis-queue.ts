/** Redis queues with keys of their own, whose time a test moves. */

import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import {
  openRedis,
  type RedisArgument,
  type RedisConnection,
  type RedisReply,
  type RedisScript,
  redisScript,
} from "../../../services/platform/redis/connections.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { RedisQueue, type RedisQueueOptions } from "../../../services/queue/redis/queue.ts";
import { REDIS_TIME } from "../../../services/queue/redis/script-parts.ts";
import { untilAvailable } from "../time/until-available.ts";

/** Disposing deletes the queue's keys. */
export interface TimedQueue extends AsyncDisposable {
  readonly queue: Queue;
  /** Stands for `telemetry` in the names of the queue's keys: `q:{NAME:0}:ready`. */
  readonly name: string;
  /** Moves the queue's time; a negative number steps it back. */
  advance(ms: number): Promise<void>;
}

export interface QueueConnections extends AsyncDisposable {
  readonly commands: RedisConnection;
  /** Opens an empty queue, or the one called `name`. Closing it leaves the connections open. */
  openQueue(options: RedisQueueOptions & { name?: string }): Promise<TimedQueue>;
}

const START = Date.UTC(2025, 6, 20, 10);
const PRODUCT_PREFIX = "q:{telemetry";

/**
 * A connection on which the product's keys are renamed and its scripts read the time from the key `clock`. Disposing it
 * leaves the connection behind it open.
 */
function renamed(connection: RedisConnection, { prefix, clock }: { prefix: string; clock: string }): RedisConnection {
  const scripts = new Map<RedisScript, RedisScript>();
  const onTestTime = (script: RedisScript): RedisScript => {
    const known = scripts.get(script);
    if (known !== undefined) return known;
    const lua = script.lua.replace(REDIS_TIME, `tonumber(redis.call('GET', '${clock}'))`);
    const changed = redisScript(script.name, lua);
    scripts.set(script, changed);
    return changed;
  };
  const rename = <T extends RedisArgument>(argument: T): T =>
    typeof argument === "string" && argument.startsWith(PRODUCT_PREFIX)
      ? (argument.replace(PRODUCT_PREFIX, prefix) as T)
      : argument;
  /** BLPOP answers with the name of the key that had an item. */
  const restore = (command: string, reply: RedisReply): RedisReply => {
    if (command !== "BLPOP" || !Array.isArray(reply)) return reply;
    const [key, ...rest] = reply;
    return [Buffer.from(String(key).replace(prefix, PRODUCT_PREFIX)), ...rest];
  };
  return {
    call: async (command, ...args) => restore(command, await connection.call(command, ...args.map(rename))),
    callAll: (command, ...args) => connection.callAll(command, ...args.map(rename)),
    run: (script, keys, args) => connection.run(onTestTime(script), keys.map(rename), args),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** One slow answer closes a connection. The tests after it wait for the next connection. */
const whenConnected = (call: () => Promise<RedisReply>): Promise<RedisReply> =>
  untilAvailable(call, { what: "a connection to Redis" });

/** Opens two connections that all queues opened on them share. */
export async function openQueueConnections(config: RedisConfig): Promise<QueueConnections> {
  const open = (role: "commands" | "blocking") => openRedis(config, { log: silentLogger, name: "test", role });
  const [commands, blocking] = await Promise.all([open("commands"), open("blocking")]);
  return {
    commands,
    openQueue: async ({ name = crypto.randomUUID(), ...options }) => {
      const names = { prefix: `q:{${name}`, clock: `clock:${name}` };
      await whenConnected(() => commands.call("SET", names.clock, START, "NX"));
      const queue = new RedisQueue(options, {
        commands: renamed(commands, names),
        blocking: renamed(blocking, names),
        isCluster: false,
        clock: systemClock,
        log: silentLogger,
      });
      return {
        queue,
        name,
        advance: async (ms) => void (await commands.call("INCRBY", names.clock, ms)),
        [Symbol.asyncDispose]: async () => {
          await queue[Symbol.asyncDispose]();
          const keys = (await whenConnected(() => commands.call("KEYS", `${names.prefix}:*`))) as readonly Buffer[];
          await whenConnected(() => commands.call("DEL", names.clock, ...keys));
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await blocking[Symbol.asyncDispose]();
      await commands[Symbol.asyncDispose]();
    },
  };
}
