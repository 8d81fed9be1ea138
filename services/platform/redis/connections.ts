/** Connections to Redis, as the rest of the product sees them. */
import { createHash } from "node:crypto";
import type { Availability } from "../process/availability.ts";
import type { Logger } from "../process/logger.ts";
import {
  CONNECTION_ENDED,
  connectNodes,
  createClient,
  ignore,
  type RedisClient,
  type RedisRole,
  redisAvailability,
  serversOf,
  untilOpened,
} from "./client.ts";
import type { RedisConfig } from "./config.ts";
import { isUnknownScript, redisError } from "./errors.ts";
import { type RedisSubscriber, type RedisSubscriberParts, Subscriber } from "./subscriber.ts";

export { MAX_BLOCK_MS } from "./client.ts";
export type { RedisSubscriber } from "./subscriber.ts";

export type RedisArgument = string | number | Uint8Array;
/** Bulk strings are Buffers. */
export type RedisReply = null | number | Buffer | readonly RedisReply[];

export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

export interface RedisConnection extends AsyncDisposable {
  /**
   * One command, never run twice; on a blocking connection it waits at most `MAX_BLOCK_MS`.
   * @throws AppError `unavailable` when Redis is away or did not answer in time: the command may have run; `overloaded`
   * when Redis has no memory left for it; `internal` when Redis refused it
   */
  call(command: string, ...args: readonly RedisArgument[]): Promise<RedisReply>;
  /**
   * The same command at every server that clients may be connected to: one, or each node of a cluster. Undefined where
   * one did not answer. Throws what `call` throws when none did.
   */
  callAll(command: string, ...args: readonly RedisArgument[]): Promise<readonly (RedisReply | undefined)[]>;
  /** EVALSHA, and EVAL when the server does not know the script. Throws what `call` throws. */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<RedisReply>;
}

export const redisScript = (name: string, lua: string): RedisScript => ({
  name,
  lua,
  sha: createHash("sha1").update(lua).digest("hex"),
});

const toDriver = (argument: RedisArgument): string | number | Buffer =>
  typeof argument === "object" && !(argument instanceof Buffer)
    ? Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength)
    : argument;

/** Reports the client's outages to the log. */
function watchOutages(client: RedisClient, availability: Availability): void {
  let wasReady = false;
  let reason = CONNECTION_ENDED;
  client.on("error", (error: Error) => {
    reason = error.message;
    if (!wasReady) availability.down(reason);
  });
  client.on("close", () => availability.down(reason));
  client.on("ready", () => {
    wasReady = true;
    reason = CONNECTION_ENDED;
    availability.up();
  });
}

/** Resolves once connected, or after a few seconds without: calls then answer `unavailable` until it is there. */
export async function openRedis(
  config: RedisConfig,
  { log, name, role }: { log: Logger; name: string; role: RedisRole },
): Promise<RedisConnection> {
  const client = createClient(config, name, role);
  watchOutages(client, redisAvailability(name, log));
  await untilOpened((done) => {
    client.once("ready", done);
    client.connect().catch(ignore);
  });
  await connectNodes(client);

  const send = async (what: string, command: string, args: readonly RedisArgument[]): Promise<RedisReply> => {
    try {
      return (await client.callBuffer(command, args.map(toDriver))) as RedisReply;
    } catch (error) {
      throw isUnknownScript(error) ? error : redisError(what, error);
    }
  };
  return {
    call: (command, ...args) => send(command, command.toLowerCase(), args),
    callAll: async (command, ...args) => {
      const sent = serversOf(client).map((server) => server.callBuffer(command.toLowerCase(), args.map(toDriver)));
      const outcomes = await Promise.allSettled(sent);
      const failed = outcomes.filter((outcome) => outcome.status === "rejected");
      if (failed.length === outcomes.length) throw redisError(command, failed[0]?.reason ?? "no server is known");
      return outcomes.map((outcome) => (outcome.status === "fulfilled" ? (outcome.value as RedisReply) : undefined));
    },
    run: async ({ name, lua, sha }, keys, args) => {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await send(name, "evalsha", [sha, ...rest]);
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        return await send(name, "eval", [lua, ...rest]);
      }
    },
    [Symbol.asyncDispose]: async () => {
      client.removeAllListeners("close");
      client.disconnect();
    },
  };
}

/** Resolves once connected, or after a few seconds without; it goes on trying for as long as it is not disposed. */
export async function openRedisSubscriber(
  config: RedisConfig,
  parts: { log: Logger; name: string } & Pick<RedisSubscriberParts, "onMessage" | "onReset">,
): Promise<RedisSubscriber> {
  const subscriber = new Subscriber(config, parts);
  await subscriber.opened;
  return subscriber;
}
