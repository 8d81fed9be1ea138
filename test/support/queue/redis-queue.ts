/** Queues on Redis whose time a test moves. */
import { silentLogger } from "../../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import { openRedis, type RedisConnection } from "../../../services/platform/redis/connections.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { RedisQueue, type RedisQueueOptions } from "../../../services/queue/redis/queue.ts";

/** Disposing deletes its keys. */
export interface TimedQueue extends AsyncDisposable {
  readonly queue: Queue;
  readonly topic: string;
  /** Moves the queue's time; negative steps it back. */
  advance(ms: number): Promise<void>;
}

export interface QueueConnections extends AsyncDisposable {
  readonly commands: RedisConnection;
  /** A queue of its own, or that of the topic; it leaves the connections open. */
  openQueue(options: RedisQueueOptions): Promise<TimedQueue>;
}

const START = Date.UTC(2025, 6, 20, 10);

/** Two connections that all queues opened on them share. */
export async function openQueueConnections(config: RedisConfig): Promise<QueueConnections> {
  const open = (role: "commands" | "blocking") => openRedis(config, { log: silentLogger, name: "test", role });
  const [commands, blocking] = await Promise.all([open("commands"), open("blocking")]);
  const borrowed = (connection: RedisConnection) => ({ ...connection, [Symbol.asyncDispose]: async () => {} });
  return {
    commands,
    openQueue: async ({ topic = crypto.randomUUID(), ...options }) => {
      const key = `clock:${topic}`;
      await commands.call("SET", key, START, "NX");
      const queue = new RedisQueue(
        { ...options, topic, now: `tonumber(redis.call('GET', '${key}'))` },
        { commands: borrowed(commands), blocking: borrowed(blocking), isCluster: false, log: silentLogger },
      );
      return {
        queue,
        topic,
        advance: async (ms) => void (await commands.call("INCRBY", key, ms)),
        [Symbol.asyncDispose]: async () => {
          await queue[Symbol.asyncDispose]();
          const keys = (await commands.call("KEYS", `q:{${topic}:*`)) as readonly Buffer[];
          await commands.call("DEL", key, ...keys);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await blocking[Symbol.asyncDispose]();
      await commands[Symbol.asyncDispose]();
    },
  };
}
