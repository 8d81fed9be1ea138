/** A connection that subscribes to channels, and reports when it may have missed messages. */
import type { Availability } from "../process/availability.ts";
import type { Logger } from "../process/logger.ts";
import {
  CONNECTION_ENDED,
  createServerClient,
  ignore,
  type RedisServerClient,
  reconnectMs,
  redisAvailability,
  untilOpened,
} from "./client.ts";
import type { RedisConfig } from "./config.ts";
import { redisError } from "./errors.ts";

/** Interval of pings. A subscriber sends hardly anything else, so only pings reveal a half-open connection. */
const PING_MS = 2000;

export interface RedisSubscriber extends AsyncDisposable {
  /** Resolves when subscribed. @throws AppError `unavailable`; then none of the new channels is subscribed */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
}

export interface RedisSubscriberParts {
  readonly log: Logger;
  readonly name: string;
  onMessage(channel: string, payload: Buffer): void;
  /** Called after a reconnect, when all channels are subscribed again. Messages may have been missed. */
  onReset(): void;
}

export class Subscriber implements RedisSubscriber {
  /** Resolves when connected, or after 3 s without a connection. */
  readonly opened: Promise<void>;
  readonly #config: RedisConfig;
  readonly #parts: RedisSubscriberParts;
  readonly #availability: Availability;
  readonly #channels = new Set<string>();
  #client: RedisServerClient;
  #onOpened = ignore;
  /** Number of connections so far. In a cluster, each goes to the next node: every message reaches every node. */
  #turn = 0;
  #failures = 0;
  #wasThere = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: RedisConfig, parts: RedisSubscriberParts) {
    this.#config = config;
    this.#parts = parts;
    this.#availability = redisAvailability(parts.name, parts.log);
    this.opened = untilOpened((done) => {
      this.#onOpened = done;
    });
    this.#client = this.#connect();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    const added = channels.filter((channel) => !this.#channels.has(channel));
    for (const channel of added) this.#channels.add(channel);
    try {
      // All channels, because another call may still be waiting for the known ones.
      await this.#client.subscribe(...channels);
    } catch (error) {
      for (const channel of added) this.#channels.delete(channel);
      throw redisError("subscribe", error);
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    const known = channels.filter((channel) => this.#channels.delete(channel));
    // If this fails, the connection has ended, which ends its subscriptions, too.
    if (known.length > 0) await this.#client.unsubscribe(...known).catch(ignore);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#client.disconnect();
    this.#onOpened();
  }

  #connect(): RedisServerClient {
    const client = createServerClient(this.#config, this.#parts.name, this.#turn++);
    let reason = CONNECTION_ENDED;
    client.on("error", (error: Error) => {
      reason = error.message;
    });
    client.on("messageBuffer", (channel: Buffer, payload: Buffer) =>
      this.#parts.onMessage(channel.toString(), payload),
    );
    client.once("ready", () => void this.#begin(client));
    client.once("end", () => this.#end(reason));
    client.connect().catch(ignore);
    return client;
  }

  async #begin(client: RedisServerClient): Promise<void> {
    try {
      if (this.#channels.size > 0) await client.subscribe(...this.#channels);
    } catch {
      client.disconnect();
      return;
    }
    this.#failures = 0;
    this.#availability.up();
    this.#onOpened();
    if (this.#wasThere) this.#parts.onReset();
    this.#wasThere = true;
    this.#ping(client);
  }

  #ping(client: RedisServerClient): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      client.ping().then(
        () => this.#ping(client),
        () => client.disconnect(),
      );
    }, PING_MS);
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#availability.down(reason);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#client = this.#connect();
      },
      reconnectMs(this.#failures++),
    );
  }
}
