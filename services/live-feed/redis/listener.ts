/** What is heard on the channels that somebody in this process needs, and what was not heard. */
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConfig } from "../../platform/redis/config.ts";
import { openRedisSubscriber, type RedisSubscriber } from "../../platform/redis/connections.ts";
import type { Audience } from "../audience.ts";
import type { Subscriber } from "../subscriber.ts";
import { channelOf } from "./channels.ts";
import { decodeMessage, type LiveMessage } from "./message.ts";

/** Lives of publishers remembered per channel; what a forgotten one lost is not noticed. */
const MAX_PUBLISHERS = 256;

export interface RedisListenerOptions {
  readonly redis: RedisConfig;
  readonly log: Logger;
  readonly audience: Audience;
  /** Names by number. */
  readonly channels: readonly string[];
  readonly onHeard: () => void;
  /** So many values may be lost to those who needed them. */
  readonly onLost: (values: number) => void;
}

interface Channel {
  readonly subscribers: Set<Subscriber>;
  /** By publisher: its values up to which all was heard, or counted as lost. */
  readonly heard: Map<string, number>;
}

export class RedisListener implements AsyncDisposable {
  readonly #options: RedisListenerOptions;
  /** By name. */
  readonly #channels = new Map<string, Channel>();
  #connection: Promise<RedisSubscriber> | undefined;
  #isReadable = true;

  constructor(options: RedisListenerOptions) {
    this.#options = options;
  }

  /**
   * Resolves when everything that is said from now on about what the subscriber asks for will be heard; until it ends.
   * @throws AppError `unavailable`
   */
  async listenFor(subscriber: Subscriber): Promise<void> {
    const names = this.#namesFor(subscriber);
    for (const name of names) {
      const channel = this.#channels.get(name) ?? { subscribers: new Set(), heard: new Map() };
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
      onMessage: (name, bytes) => this.#hear(name, bytes),
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

  #hear(name: string, bytes: Uint8Array): void {
    const { audience, log, onHeard } = this.#options;
    onHeard();
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    const message = decodeMessage(bytes);
    if (!message.ok) {
      if (this.#isReadable) log.error("live message not read", { channel: name, reason: message.error });
      this.#isReadable = false;
      this.#lose(channel.subscribers, 1);
      return;
    }
    this.#isReadable = true;
    this.#noticeGap(channel, message.value);
    try {
      audience.tell(message.value.batches);
    } catch (error) {
      log.error("live message not read", { channel: name, error });
      this.#lose(channel.subscribers, message.value.values);
    }
  }

  #noticeGap({ subscribers, heard }: Channel, { publisher, before, values }: LiveMessage): void {
    const known = heard.get(publisher);
    if (known !== undefined && before > known) this.#lose(subscribers, before - known);
    if (known === undefined && heard.size === MAX_PUBLISHERS) {
      for (const oldest of heard.keys()) {
        heard.delete(oldest);
        break;
      }
    }
    heard.set(publisher, Math.max(known ?? 0, before + values));
  }

  /** How much was said meanwhile shows, if at all, when the same publisher says the next. */
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
