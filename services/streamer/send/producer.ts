/**
 * Opens sources as producers of the queue. Each source is a producer of its own, named by its id: a new file in a
 * directory is sent whatever its name, a finished file is not sent again, and a file that grew is continued. With live
 * times, the source is another producer than with its own times, because its readings differ.
 */
import { createHash } from "node:crypto";
import { MAX_CALL_ITEMS, MAX_PRODUCER_LENGTH, type ProducerPosition, type ProducerQueue } from "../../queue/port.ts";
import type { StreamerConfig } from "../config.ts";
import { compareProgress, parsePosition, type StreamPosition } from "./position.ts";
import type { QueueCalls } from "./queue-calls.ts";

/** One life of a producer. */
export interface Producer {
  readonly name: string;
  readonly epoch: number;
  /** Number of the last batch cut in this life; before the first, number of the last batch that the queue accepted. */
  seq: number;
  /** Where that batch ends; null: no batch yet. */
  position: StreamPosition | null;
}

/** Leaves room for a shard suffix such as `@0/1`. */
const MAX_NAME_LENGTH = MAX_PRODUCER_LENGTH - 24;
/** A producer without a position looks for positions under the shard counts from 1 to this one. */
const KNOWN_SHARD_COUNTS = 128;

/** Returns the name that a source's producers have in common, without their shards. */
export function sourceName(id: string, times: StreamerConfig["times"]): string {
  const name = times === "live" ? `${id}?live` : id;
  return name.length <= MAX_NAME_LENGTH ? name : createHash("sha256").update(name).digest("hex");
}

const producerOf = (name: string, shard: number, shards: number): string => `${name}@${shard}/${shards}`;

const shardSet = (name: string, shards: number): string[] =>
  Array.from({ length: shards }, (_, shard) => producerOf(name, shard, shards));

/**
 * Opens a new life of the producer. A source never sent under this number of shards starts at the least advanced
 * shard of a set that sent it under another number: readings are repeated, but none is skipped.
 * @returns undefined if the run has ended
 */
export async function openProducer(
  source: string,
  { shard, shards }: Pick<StreamerConfig, "shard" | "shards">,
  { queue, queueCalls }: { queue: ProducerQueue; queueCalls: QueueCalls },
): Promise<Producer | undefined> {
  const name = producerOf(source, shard, shards);
  const open = (inherit: readonly string[]) => queueCalls.untilAnswered(() => queue.openProducer(name, { inherit }));
  const others = Array.from({ length: KNOWN_SHARD_COUNTS }, (_, index) => index + 1).filter((n) => n !== shards);
  const first = await open(others.map((count) => producerOf(source, 0, count)));
  if (first === undefined) return undefined;
  const { epoch, seq, position } = first;
  if (first.inherited.length === 0) {
    return { name, epoch, seq, position: position === null ? null : parsePosition(position) };
  }

  const counts = others.filter((count) =>
    first.inherited.some(({ producer }) => producer === producerOf(source, 0, count)),
  );
  const sets: string[][] = [];
  let asked = 0;
  for (const set of counts.map((count) => shardSet(source, count))) {
    asked += set.length;
    if (asked <= MAX_CALL_ITEMS) sets.push(set);
  }
  const second = await open(sets.flat());
  if (second === undefined) return undefined;
  return { name, epoch: second.epoch, seq: second.seq, position: mostAdvanced(sets, second.inherited) };
}

/** Takes the least advanced position of each set whose shards all have one; returns the most advanced of these. */
function mostAdvanced(sets: readonly string[][], inherited: readonly ProducerPosition[]): StreamPosition | null {
  const positions = new Map(inherited.map(({ producer, position }) => [producer, parsePosition(position)]));
  let best: StreamPosition | null = null;
  for (const set of sets) {
    const ofSet = set.map((producer) => positions.get(producer) ?? null);
    if (!ofSet.every((position) => position !== null)) continue;
    const least = ofSet.reduce((a, b) => (compareProgress(a, b) <= 0 ? a : b));
    if (best === null || compareProgress(best, least) < 0) best = least;
  }
  // Another shard's read-ahead says nothing about this shard's readings after the place.
  return best && { ...best, skip: 0, size: 0, sent: 0 };
}
