/** Receives the messages of the channels that this process needs, and counts values that were lost. */
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConfig } from "../../platform/redis/config.ts";
import { openRedisSubscriber, type RedisSubscriber } from "../../platform/redis/connections.ts";
import type { Audience } from "../audience.ts";
import type { Subscriber } from "../subscriber.ts";
import { channelOf } from "./channels.ts";
import { decodeMessage, type LiveMessage } from "./message.ts";

/** How many publishers to remember per channel. If a publisher is forgotten, its next loss goes unnoticed. */
const MAX_PUBLISHERS = 256;

export interface RedisListenerOptions {
  readonly redis: RedisConfig;
  readonly log: Logger;
  readonly audience: Audience;
  /** Channel names, indexed by channel number. */
  readonly channels: readonly string[];
  readonly onReceived: () => void;
  /** Called with the number of values that may be lost. */
  readonly onLost: (values: number) => void;
}

interface Channel {
  readonly subscribers: Set<Subscriber>;
  /** Number of values received or counted as lost, by publisher. */
  readonly received: Map<string, number>;
}

export class RedisListener implements AsyncDisposable {
  readonly #options: RedisListenerOptions;
  /** Channels by name. */
  readonly #channels = new Map<string, Channel>();
  #connection: Promise<RedisSubscriber> | undefined;
  #isReadable = true;

  constructor(options: RedisListenerOptions) {
    this.#options = options;
  }

  /**
   * Resolves once this process is subscribed to every channel that the subscriber needs. When it ends, channels that no
   * other subscriber needs are unsubscribed.
   * @throws AppError `unavailable`
   */
  async listenFor(subscriber: Subscriber): Promise<void> {
    const names = this.#namesFor(subscriber);
    for (const name of names) {
      const channel = this.#channels.get(name) ?? { subscribers: new Set(), received: new Map() };
      this.#channels.set(name, channel);
      channel.subscribers.add(subscriber);
    }
    subscriber.ended.addEventListener("abort", () => void this.#leave(subscriber, names));
    const connection = await this.#connect();
    if (!subscriber.ended.aborted) await connection.subscribe(names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#connection)?.[Symbol.asyncDispose]();
  }

  #namesFor({ filter: { gpus } }: Subscriber): readonly string[] {
    const { channels } = this.#options;
    if (gpus === undefined) return channels;
    return [...new Set(gpus.map(channelOf))].map((channel) => channels[channel] as string);
  }

  #connect(): Promise<RedisSubscriber> {
    const { redis, log } = this.#options;
    this.#connection ??= openRedisSubscriber(redis, {
      log,
      name: "live-feed-listener",
      onMessage: (name, bytes) => this.#receive(name, bytes),
      onReset: () => this.#reset(),
    });
    return this.#connection;
  }

  async #leave(subscriber: Subscriber, names: readonly string[]): Promise<void> {
    const unused = names.filter((name) => {
      const channel = this.#channels.get(name);
      channel?.subscribers.delete(subscriber);
      return channel?.subscribers.size === 0 && this.#channels.delete(name);
    });
    const connection = await this.#connection;
    const left = unused.filter((name) => !this.#channels.has(name));
    if (left.length > 0) await connection?.unsubscribe(left);
  }

  #receive(name: string, bytes: Uint8Array): void {
    const { audience, log, onReceived } = this.#options;
    onReceived();
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    const message = decodeMessage(bytes);
    if (!message.ok) {
      if (this.#isReadable) log.error("live message unreadable", { channel: name, reason: message.error });
      this.#isReadable = false;
      this.#lose(channel.subscribers, 1);
      return;
    }
    this.#isReadable = true;
    this.#noticeGap(channel, message.value);
    try {
      audience.publish(message.value.batches);
    } catch (error) {
      log.error("live message unreadable", { channel: name, error });
      this.#lose(channel.subscribers, message.value.values);
    }
  }

  #noticeGap({ subscribers, received }: Channel, { publisher, before, values }: LiveMessage): void {
    const known = received.get(publisher);
    if (known !== undefined && before > known) this.#lose(subscribers, before - known);
    if (known === undefined && received.size === MAX_PUBLISHERS) {
      for (const oldest of received.keys()) {
        received.delete(oldest);
        break;
      }
    }
    received.set(publisher, Math.max(known ?? 0, before + values));
  }

  /**
   * Called after a reconnect, when messages may be lost. The next message of each publisher shows how many values were.
   */
  #reset(): void {
    const all = new Set<Subscriber>();
    for (const { subscribers } of this.#channels.values()) for (const subscriber of subscribers) all.add(subscriber);
    this.#lose(all, 1);
  }

  #lose(subscribers: ReadonlySet<Subscriber>, values: number): void {
    if (subscribers.size === 0) return;
    this.#options.onLost(values);
    for (const subscriber of subscribers) subscriber.lose(values);
  }
}
