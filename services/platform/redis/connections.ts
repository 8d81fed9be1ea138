/** Opens connections to Redis for other folders. No type of the driver leaves this folder. */
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
   * Runs a command at most once. On a blocking connection it may wait up to `MAX_BLOCK_MS`.
   * @throws AppError `unavailable` when Redis is unavailable or did not answer in time (the command may have run);
   *   `overloaded` when Redis is out of memory; `internal` when Redis refused the command
   */
  call(command: string, ...args: readonly RedisArgument[]): Promise<RedisReply>;
  /**
   * Runs a command on the server, or on each node of a cluster. If the command fails on a node, its reply is undefined.
   * @throws as `call`, when no server answered
   */
  callAll(command: string, ...args: readonly RedisArgument[]): Promise<readonly (RedisReply | undefined)[]>;
  /** Runs a script by EVALSHA, or by EVAL if the server does not have it. @throws as `call` */
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

/** Resolves when connected, or after 3 s without a connection: calls then throw `unavailable` until Redis answers. */
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

/** Resolves when connected, or after 3 s without a connection. The subscriber reconnects until it is disposed. */
export async function openRedisSubscriber(
  config: RedisConfig,
  parts: { log: Logger; name: string } & Pick<RedisSubscriberParts, "onMessage" | "onReset">,
): Promise<RedisSubscriber> {
  const subscriber = new Subscriber(config, parts);
  await subscriber.opened;
  return subscriber;
}
