/** One life of a publisher: says what was stored on the channels that somebody listens to. */
import { randomBytes } from "node:crypto";
import type { Batch } from "../../../schema/batch/batch.ts";
import { isAppError } from "../../../schema/model/errors.ts";
import { type RedisConnection, type RedisReply, redisScript } from "../../platform/redis/connections.ts";
import { CHANNELS } from "./channels.ts";
import { cutByChannel, encodeMessage, type Part, PUBLISHER_BYTES } from "./message.ts";

/** Bounds what one call hands to Redis; a single message that is larger goes alone. */
const MAX_CALL_BYTES = 1024 * 1024;
const ALL: ReadonlySet<number> = new Set(Array.from({ length: CHANNELS }, (_, channel) => channel));
const NONE: ReadonlySet<number> = new Set();

/**
 * KEYS[1]: a name of the topic, always the same: in a Cluster it leads every call to one node, and what one node says
 * each listener hears in order. ARGV: channel, message, and so on. Result: how many listeners this node knows to have
 * got them, added up.
 */
const SAY = redisScript(
  "live-say",
  `local heard = 0
for i = 1, #ARGV, 2 do
  heard = heard + redis.call('PUBLISH', ARGV[i], ARGV[i + 1])
end
return heard`,
);

export interface RedisPublisherOptions {
  readonly connection: RedisConnection;
  /** Names by number. */
  readonly channels: readonly string[];
  readonly onSaid: (messages: number, listeners: number) => void;
}

export class RedisPublisher {
  readonly #options: RedisPublisherOptions;
  readonly #name = randomBytes(PUBLISHER_BYTES);
  /** Values so far, by channel, said or not: whoever listens sees what did not come. */
  readonly #values = new Float64Array(CHANNELS);
  /** Why Redis did not answer, until it answers again. */
  #away: unknown;
  #probe: Promise<unknown> | undefined;

  constructor(options: RedisPublisherOptions) {
    this.#options = options;
  }

  /**
   * A silent Redis is waited for once, not by every caller: while it is away, this fails at once.
   * @throws AppError `unavailable`
   */
  async publish(batches: readonly Batch[]): Promise<void> {
    if (this.#away !== undefined) {
      this.#count(cutByChannel(batches, NONE).values);
      this.#look();
      throw this.#away;
    }
    try {
      await this.#say(batches);
    } catch (error) {
      if (isAppError(error, "unavailable")) this.#away = error;
      throw error;
    }
  }

  async #say(batches: readonly Batch[]): Promise<void> {
    let wanted = NONE;
    let failure: unknown;
    try {
      wanted = await this.#listenedTo();
    } catch (error) {
      failure = error;
    }
    // Nothing is awaited from here until all is on its way: numbers are given in the order in which they are sent.
    const { values, parts } = cutByChannel(batches, wanted);
    const calls = [...this.#calls(parts)];
    this.#count(values);
    if (failure !== undefined) throw failure;
    const { connection, channels, onSaid } = this.#options;
    const topic = channels[0] as string;
    await Promise.all(
      calls.map(async (call) => onSaid(call.length / 2, Number(await connection.run(SAY, [topic], call)))),
    );
  }

  /** Channels and messages, as many to a call as its bound allows. */
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

  /** Each node knows only of those who listen at it; of one that does not answer, anything may be true. */
  async #listenedTo(): Promise<ReadonlySet<number>> {
    const { connection, channels } = this.#options;
    const replies = await connection.callAll("PUBSUB", "NUMSUB", ...channels);
    const heard = new Set<number>();
    for (const reply of replies) {
      if (reply === undefined) return ALL;
      const counts = reply as readonly RedisReply[];
      for (let channel = 0; channel < CHANNELS; channel++) if (Number(counts[2 * channel + 1]) > 0) heard.add(channel);
    }
    return heard;
  }

  #look(): void {
    this.#probe ??= this.#options.connection
      .call("PING")
      .then(() => {
        this.#away = undefined;
      })
      .catch(() => {})
      .finally(() => {
        this.#probe = undefined;
      });
  }
}
