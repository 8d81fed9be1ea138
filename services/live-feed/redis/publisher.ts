/** Publishes stored batches on the channels that have subscribers. Receivers see each instance as one publisher. */
import { randomBytes } from "node:crypto";
import type { Batch } from "../../../schema/batch/batch.ts";
import { isAppError } from "../../../schema/model/errors.ts";
import { type RedisConnection, type RedisReply, redisScript } from "../../platform/redis/connections.ts";
import { CHANNELS } from "./channels.ts";
import { cutByChannel, encodeMessage, type Part, PUBLISHER_BYTES } from "./message.ts";

/** Bound on the total size of the messages in one call to Redis. A larger message gets its own call. */
const MAX_CALL_BYTES = 1024 * 1024;
const ALL: ReadonlySet<number> = new Set(Array.from({ length: CHANNELS }, (_, channel) => channel));
const NONE: ReadonlySet<number> = new Set();

/**
 * KEYS:
 * 1. a constant name. In a cluster, it routes every call to the same node, so that subscribers receive a publisher's
 *    messages in order.
 *
 * ARGV: channel and message, in turn
 *
 * Result: number of this node's connections that each message was sent to, added up
 */
const PUBLISH = redisScript(
  "live-publish",
  `local receivers = 0
for i = 1, #ARGV, 2 do
  receivers = receivers + redis.call('PUBLISH', ARGV[i], ARGV[i + 1])
end
return receivers`,
);

export interface RedisPublisherOptions {
  readonly connection: RedisConnection;
  /** Channel names, indexed by channel number. */
  readonly channels: readonly string[];
  readonly onPublished: (messages: number, receivers: number) => void;
}

export class RedisPublisher {
  readonly #options: RedisPublisherOptions;
  readonly #name = randomBytes(PUBLISHER_BYTES);
  /**
   * Number of values so far per channel, whether or not they were sent, so that receivers can count the missing ones.
   */
  readonly #values = new Float64Array(CHANNELS);
  /**
   * The error of the last call, while Redis is unavailable. This is not an `Availability`, because the connection
   * already logs and reports its outages.
   */
  #outage: unknown;
  #probe: Promise<unknown> | undefined;

  constructor(options: RedisPublisherOptions) {
    this.#options = options;
  }

  /**
   * During an outage, `publish` throws at once, so that an unresponsive Redis costs one time limit, not one per call.
   * @throws AppError `unavailable`
   */
  async publish(batches: readonly Batch[]): Promise<void> {
    if (this.#outage !== undefined) {
      this.#count(cutByChannel(batches, NONE).values);
      this.#probeOnce();
      throw this.#outage;
    }
    try {
      await this.#send(batches);
    } catch (error) {
      if (isAppError(error, "unavailable")) this.#outage = error;
      throw error;
    }
  }

  async #send(batches: readonly Batch[]): Promise<void> {
    let wanted = NONE;
    let failure: unknown;
    try {
      wanted = await this.#subscribedChannels();
    } catch (error) {
      failure = error;
    }
    // No await from here until all calls are sent, because messages must be numbered in the order of sending.
    const { values, parts } = cutByChannel(batches, wanted);
    const calls = [...this.#calls(parts)];
    this.#count(values);
    if (failure !== undefined) throw failure;
    const { connection, channels, onPublished } = this.#options;
    const key = channels[0] as string;
    await Promise.all(
      calls.map(async (call) => onPublished(call.length / 2, Number(await connection.run(PUBLISH, [key], call)))),
    );
  }

  /** Yields the ARGV of each call: channels and messages, in turn, up to `MAX_CALL_BYTES`. */
  *#calls(parts: ReadonlyMap<number, readonly Part[]>): Generator<(string | Uint8Array)[]> {
    let call: (string | Uint8Array)[] = [];
    let bytes = 0;
    for (const [channel, ofChannel] of parts) {
      let before = this.#values[channel] as number;
      for (const part of ofChannel) {
        const message = encodeMessage(this.#name, before, part);
        before += part.values;
        if (call.length > 0 && bytes + message.length > MAX_CALL_BYTES) {
          yield call;
          call = [];
          bytes = 0;
        }
        call.push(this.#options.channels[channel] as string, message);
        bytes += message.length;
      }
    }
    if (call.length > 0) yield call;
  }

  #count(values: Float64Array): void {
    for (let channel = 0; channel < CHANNELS; channel++) {
      this.#values[channel] = (this.#values[channel] as number) + (values[channel] as number);
    }
  }

  /** Asks all nodes, because each counts only its own subscribers. If a node does not answer, returns all channels. */
  async #subscribedChannels(): Promise<ReadonlySet<number>> {
    const { connection, channels } = this.#options;
    const replies = await connection.callAll("PUBSUB", "NUMSUB", ...channels);
    const subscribed = new Set<number>();
    for (const reply of replies) {
      if (reply === undefined) return ALL;
      const counts = reply as readonly RedisReply[];
      for (let channel = 0; channel < CHANNELS; channel++)
        if (Number(counts[2 * channel + 1]) > 0) subscribed.add(channel);
    }
    return subscribed;
  }

  /** Pings Redis, unless a ping is in flight. An answer ends the outage. */
  #probeOnce(): void {
    this.#probe ??= this.#options.connection
      .call("PING")
      .then(() => {
        this.#outage = undefined;
      })
      .catch(() => {})
      .finally(() => {
        this.#probe = undefined;
      });
  }
}
