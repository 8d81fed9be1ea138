/**
 * The live feed between processes, over Redis publish/subscribe. Each GPU belongs to one of 64 channels. A process
 * subscribes to the channels that its own subscribers need, on a separate connection. A publisher asks Redis which
 * channels have subscribers, and encodes messages only for those channels.
 *
 * Redis does not keep messages that it cannot deliver, and closes the connection of a subscriber that reads too slowly.
 * Publishers therefore number the values of each channel, so that subscribers can count the missing ones. In a cluster,
 * PUBLISH reaches the subscribers of every node, but each node counts only its own subscribers, so the publisher asks
 * all nodes.
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
  const published = metrics?.counter({
    name: "live_messages_said_total",
    help: "Messages published on the live feed.",
  });
  const delivered = metrics?.counter({
    name: "live_messages_delivered_total",
    help: "Connections that Redis delivered published messages to.",
  });
  const received = metrics?.counter({
    name: "live_messages_heard_total",
    help: "Messages received from the live feed.",
  });
  const lost = metrics?.counter({
    name: "live_values_lost_total",
    help: "Values of the live feed that may not have reached this process; a loss of unknown size counts 1.",
  });
  return {
    onPublished: (messages: number, receivers: number) => {
      published?.inc(messages);
      delivered?.inc(receivers);
    },
    onReceived: () => received?.inc(),
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

/**
 * Succeeds even if Redis is unavailable; calls then throw `unavailable` until Redis is back. Closing the feed ends
 * every subscription.
 */
export async function openRedisLiveFeed(options: RedisLiveFeedOptions): Promise<LiveFeed> {
  const connection = await openRedis(options.redis, { log: options.log, name: "live-feed", role: "commands" });
  return new RedisLiveFeed(connection, options);
}
