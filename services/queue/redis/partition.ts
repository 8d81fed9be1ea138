/** One partition of the queue: its keys, and its scripts as typed calls. */
import { isAppError } from "../../../schema/model/errors.ts";
import type { RedisConnection, RedisReply, RedisScript } from "../../platform/redis/connections.ts";
import {
  type ClaimRequest,
  type DeadLetter,
  type Delivery,
  MAX_CALL_ITEMS,
  type NackMode,
  type OutgoingBatch,
  type ProducerPosition,
} from "../port.ts";
import { EntryReader, writeEntries } from "./entry.ts";
import { PUBLISH_CODES } from "./producer-scripts.ts";
import { endOfId, nameOf, publishedAtOf, type Receipt, sizeOf } from "./receipt.ts";
import { PARTITION_KEYS, partitionPrefix } from "./script-parts.ts";
import type { Scripts } from "./scripts.ts";

/** Bound on the total size of the bodies in one call, so that neither request nor reply blocks Redis for long. */
export const MAX_CALL_BYTES = 64 * 1024 * 1024;
/**
 * Average length, in bytes, below which entries are sent in one argument that the script cuts, which is cheaper than
 * one argument each. For longer entries, the copies made by cutting cost more.
 */
const SMALL_ENTRY = 1024;

export type ClaimBounds = Pick<ClaimRequest, "max" | "maxBytes" | "leaseMs">;

export interface Claimed {
  readonly deliveries: readonly Delivery[];
  /** Number of ids left in `ready`. */
  readonly left: number;
  /** Time until the next lease or delay ends; null if there is none, or if any batch was ready. */
  readonly dueInMs: number | null;
}

export interface ProducerState {
  readonly epoch: number;
  readonly seq: number;
  readonly position: string;
}

/** The fractions of lease ends, 000001002…, for the claim script. */
const PLACES = Array.from({ length: MAX_CALL_ITEMS }, (_, place) => String(place).padStart(3, "0")).join("");

type Replies = readonly RedisReply[];
const number = (reply: RedisReply | undefined): number => Number(reply ?? 0);
const text = (reply: RedisReply | undefined): string => (reply ?? "").toString();
const flags = (reply: RedisReply, length: number): boolean[] =>
  Array.isArray(reply) ? reply.map((one) => one === 1) : new Array<boolean>(length).fill(reply === 1);

export class Partition {
  readonly number: number;
  readonly #redis: RedisConnection;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #keys: readonly string[];

  constructor(number: number, parts: { redis: RedisConnection; scripts: Scripts }) {
    this.number = number;
    this.#redis = parts.redis;
    this.#scripts = parts.scripts;
    this.#prefix = partitionPrefix(number);
    this.#keys = PARTITION_KEYS.map((name) => this.#prefix + name);
  }

  key(name: (typeof PARTITION_KEYS)[number]): string {
    return this.#prefix + name;
  }

  async open(producer: string): Promise<ProducerState> {
    const keys = [...this.#keys, this.#producerKey(producer)];
    const [epoch, seq, position] = (await this.#redis.run(this.#scripts.open, keys, [])) as Replies;
    return { epoch: number(epoch), seq: number(seq), position: text(position) };
  }

  /** Resolves to null if no batch of the producer has been accepted. */
  async position(producer: string): Promise<ProducerPosition | null> {
    const state = await this.#redis.call("GET", this.#producerKey(producer));
    const match = /^(\d+):(\d+):/.exec(text(state));
    if (match === null || match[2] === "0") return null;
    const position = text(state).slice(match[0].length);
    return { producer, epoch: Number(match[1]), seq: Number(match[2]), position };
  }

  async publish(
    batches: readonly OutgoingBatch[],
    from: { producer: string; epoch: number },
  ): Promise<{ kind: (typeof PUBLISH_CODES)[number]; last: number }> {
    const sizes = batches.map(({ body }) => body.byteLength);
    const readings = batches.map((batch) => batch.readings);
    const bytes = sum(sizes);
    if (bytes > MAX_CALL_BYTES) return { kind: "too_large", last: 0 };
    const { entries, lengths } = writeEntries(batches, from);
    const packed = entries.length < SMALL_ENTRY * lengths.length ? [entries] : cutEntries(entries, lengths);
    const keys = [...this.#keys, this.#producerKey(from.producer)];
    const args = [
      from.epoch,
      batches[0]?.seq ?? 0,
      bytes,
      sum(readings),
      JSON.stringify(readings),
      Math.max(...sizes),
      batches.at(-1)?.position ?? "",
      JSON.stringify(lengths),
      sizes.map((size, place) => endOfId(place, size)).join(""),
    ];
    const reply = this.#redis.run(this.#scripts.publish, keys, [...args, ...packed]).catch((error: unknown) => {
      if (!isAppError(error, "overloaded")) throw error;
      return this.#redis.run(this.#scripts.refuse, keys, args);
    });
    const [code, last] = (await reply) as Replies;
    return { kind: PUBLISH_CODES[number(code)] as (typeof PUBLISH_CODES)[number], last: number(last) };
  }

  /** `hasSome`: the caller has deliveries from another partition, so that even the first body must fit `maxBytes`. */
  async claim({ max, maxBytes, leaseMs }: ClaimBounds, hasSome: boolean): Promise<Claimed> {
    const args = [max, Math.min(maxBytes, MAX_CALL_BYTES), leaseMs, hasSome ? 1 : 0, PLACES.slice(0, 3 * max)];
    const [left, dueIn, joined, entries, marks] = await this.#settled(this.#scripts.claim, args);
    const reader = new EntryReader();
    const ids = text(joined).split(",");
    const deliveries = (entries as readonly Buffer[]).map((entry, index): Delivery => {
      const id = ids[index] as string;
      const mark = (marks as Replies | undefined)?.[index];
      const [returns, handovers] = mark ? (text(mark).split(":") as [string, string]) : ["0", "0"];
      const name = nameOf(this.number, id);
      return {
        id: name,
        receipt: `${name}.${handovers}`,
        attempt: Number(returns) + 1,
        leaseMs,
        ...reader.read(entry),
      };
    });
    return { deliveries, left: number(left), dueInMs: number(dueIn) < 0 ? null : number(dueIn) };
  }

  async ack(receipts: readonly Receipt[]): Promise<boolean[]> {
    const ids = receipts.map(({ id }) => id);
    const args = [JSON.stringify(ids), sum(ids.map(sizeOf))];
    return flags(await this.#redis.run(this.#scripts.ack, this.#keys, args), ids.length);
  }

  async nack(receipts: readonly Receipt[], mode: NackMode, reason: string): Promise<boolean[]> {
    const delayMs = mode.kind === "reject" ? 0 : (mode.delayMs ?? 0);
    const args = [...heldOf(receipts), mode.kind, delayMs, reason];
    return flags(await this.#redis.run(this.#scripts.nack, this.#keys, args), receipts.length);
  }

  async extend(receipts: readonly Receipt[], leaseMs: number): Promise<boolean[]> {
    const args = [...heldOf(receipts), leaseMs];
    return flags(await this.#redis.run(this.#scripts.extend, this.#keys, args), receipts.length);
  }

  run(name: "repair" | "ring", args: readonly string[]): Promise<RedisReply> {
    return this.#redis.run(this.#scripts[name], this.#keys, args);
  }

  /** Runs an operator's script; resolves to its result without the first element. */
  ask(name: "stats" | "list" | "redrive" | "purge", args: readonly (string | number)[]): Promise<Replies> {
    return this.#settled(this.#scripts[name], args);
  }

  /** Resolves to the letters, with null for each one that was redriven or deleted meanwhile. */
  async letters(ids: readonly string[]): Promise<(DeadLetter | null)[]> {
    const read = (key: "notes" | "bodies") => this.#redis.call("HMGET", this.key(key), ...ids);
    const [notes, entries] = (await Promise.all([read("notes"), read("bodies")])) as (Buffer | null)[][];
    const reader = new EntryReader();
    return ids.map((id, index) => {
      const [note, entry] = [notes?.[index], entries?.[index]];
      const found = /^(\d+):\d+:(\d+):/.exec(text(note));
      if (found === null || !entry) return null;
      const { position: _, ...rest } = reader.read(entry);
      return {
        ...rest,
        id: nameOf(this.number, id),
        bytes: sizeOf(id),
        attempts: Number(found[1]),
        reason: text(note).slice(found[0].length),
        publishedAt: publishedAtOf(id),
        diedAt: Number(found[2]),
      };
    });
  }

  /** Runs a script until the first element of its result is 0; resolves to the rest of the result. */
  async #settled(script: RedisScript, args: readonly (string | number)[]): Promise<Replies> {
    for (;;) {
      const [again, ...reply] = (await this.#redis.run(script, this.#keys, args)) as Replies;
      if (again === 0) return reply;
    }
  }

  #producerKey(producer: string): string {
    return `${this.#prefix}p:${producer}`;
  }
}

function cutEntries(entries: Buffer, lengths: readonly number[]): Buffer[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return entries.subarray(at - length, at);
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const heldOf = (receipts: readonly Receipt[]): [ids: string, handovers: string] => [
  JSON.stringify(receipts.map(({ id }) => id)),
  JSON.stringify(receipts.map(({ handover }) => handover)),
];
