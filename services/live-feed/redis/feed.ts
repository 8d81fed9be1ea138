/**
 * The live feed between processes, over Redis publish/subscribe. A GPU belongs to one of 64 channels; a process listens
 * to those that its subscribers need, on a connection of its own, and a publisher says nothing on a channel that nobody
 * listens to: it asks Redis before it encodes anything.
 *
 * Redis forgets what it could not deliver, and cuts a listener that reads too slowly. Publishers therefore number the
 * values of each channel, and whoever listens counts what did not come. Plain publications reach the listeners of every
 * node of a Cluster, but each node counts its own listeners only, so all nodes are asked.
 */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import type { RedisConfig } from "../../platform/redis/config.ts";
import { openRedis, type RedisConnection } from "../../platform/redis/connections.ts";
import type { LiveFeed, LiveFrame, LiveSubscription } from "../port.ts";
import { closedFeed, Subscribers, type SubscribersOptions } from "../subscribers.ts";
import { channelNames } from "./channels.ts";
import { RedisListener } from "./listener.ts";
import { RedisPublisher } from "./publisher.ts";

export interface RedisLiveFeedOptions extends SubscribersOptions {
  readonly redis: RedisConfig;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

function createMeter(metrics: Metrics | undefined) {
  const said = metrics?.counter({ name: "live_messages_said_total", help: "Messages published on the live feed." });
  const delivered = metrics?.counter({
    name: "live_messages_delivered_total",
    help: "Listeners that got them, as far as the server knows.",
  });
  const heard = metrics?.counter({ name: "live_messages_heard_total", help: "Messages heard on the live feed." });
  const lost = metrics?.counter({
    name: "live_values_lost_total",
    help: "Values of the live feed that may not have reached this process; 1 where their number is not known.",
  });
  return {
    onSaid: (messages: number, listeners: number) => {
      said?.inc(messages);
      delivered?.inc(listeners);
    },
    onHeard: () => heard?.inc(),
    onLost: (values: number) => lost?.inc(values),
  };
}

class RedisLiveFeed implements LiveFeed {
  readonly #connection: RedisConnection;
  readonly #publisher: RedisPublisher;
  readonly #listener: RedisListener;
  readonly #subscribers: Subscribers;

  constructor(connection: RedisConnection, options: RedisLiveFeedOptions) {
    const { redis, log, metrics } = options;
    const channels = channelNames(redis.db);
    const meter = createMeter(metrics);
    this.#connection = connection;
    this.#subscribers = new Subscribers(options);
    this.#publisher = new RedisPublisher({ connection, channels, ...meter });
    this.#listener = new RedisListener({ redis, log, audience: this.#subscribers.audience, channels, ...meter });
  }

  async publish(batches: readonly Batch[]): Promise<void> {
    if (this.#subscribers.closed) throw closedFeed();
    await this.#publisher.publish(batches);
  }

  async subscribe(options: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>> {
    const subscriber = this.#subscribers.admit(options);
    try {
      if (!subscriber.ended.aborted) await this.#listener.listenFor(subscriber);
    } catch (error) {
      subscriber.end();
      throw error;
    }
    return this.#subscribers.join(subscriber);
  }

  async ping(): Promise<void> {
    if (this.#subscribers.closed) throw closedFeed();
    await this.#connection.call("PING");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscribers[Symbol.dispose]();
    await Promise.all([this.#listener[Symbol.asyncDispose](), this.#connection[Symbol.asyncDispose]()]);
  }
}

/** Opens while Redis is away, too: it is there when Redis is. Closing ends every subscription. */
export async function openRedisLiveFeed(options: RedisLiveFeedOptions): Promise<LiveFeed> {
  const connection = await openRedis(options.redis, { log: options.log, name: "live-feed", role: "commands" });
  return new RedisLiveFeed(connection, options);
}
