/** A connection that listens to channels, and tells when it may have missed something. */
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

/** Nothing else is sent on this connection: without it, a half-open one would go unnoticed. */
const PING_MS = 2000;

export interface RedisSubscriber extends AsyncDisposable {
  /** In place when it resolves. @throws AppError `unavailable`: none of those that are new is in place */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
}

export interface RedisSubscriberParts {
  readonly log: Logger;
  readonly name: string;
  onMessage(channel: string, payload: Buffer): void;
  /** The connection was cut and is there again, with its channels: something may have been missed. */
  onReset(): void;
}

export class Subscriber implements RedisSubscriber {
  /** Once connected, or after a few seconds without. */
  readonly opened: Promise<void>;
  readonly #config: RedisConfig;
  readonly #parts: RedisSubscriberParts;
  readonly #availability: Availability;
  readonly #channels = new Set<string>();
  #client: RedisServerClient;
  #onOpened = ignore;
  /** Lives of the connection so far. In a cluster, each is with the next node: a message reaches all of them. */
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
      // Also those that are known: another call may still be waiting for them.
      await this.#client.subscribe(...channels);
    } catch (error) {
      for (const channel of added) this.#channels.delete(channel);
      throw redisError("subscribe", error);
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    const known = channels.filter((channel) => this.#channels.delete(channel));
    // The end of a connection is the end of its subscriptions.
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
