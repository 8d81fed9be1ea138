/**
 * A file as a producer. Each file is a producer of its own, named by where it really lies: a file that comes into a
 * directory is sent, whichever came before it; one that is done stays done; one that grew goes on. Live times are
 * another producer than the file's own, for they are other readings.
 */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { MAX_CALL_ITEMS, MAX_PRODUCER_LENGTH, type ProducerPosition, type ProducerQueue } from "../../queue/port.ts";
import type { StreamerConfig } from "../config.ts";
import type { Patience } from "./patience.ts";
import { compareProgress, parsePosition, type StreamPosition } from "./position.ts";

export interface Source {
  readonly producer: string;
  /** This life. */
  readonly epoch: number;
  /** Of the last batch cut; before the first, of the last one accepted. */
  seq: number;
  /** Where that one ends; null: nowhere yet. */
  position: StreamPosition | null;
}

/** `/name@0/1` and the like fit behind it. */
const MAX_NAME_LENGTH = MAX_PRODUCER_LENGTH - 24;
/** Of how many other shard counts the positions are asked for. */
const KNOWN_SHARD_COUNTS = 128;

/** The producer's name up to its shard. */
export async function sourceName(path: string, times: StreamerConfig["times"]): Promise<string> {
  const real = await realpath(path).catch(() => resolve(path));
  const name = times === "live" ? `${real}?live` : real;
  return name.length <= MAX_NAME_LENGTH ? name : createHash("sha256").update(name).digest("hex");
}

const producerOf = (name: string, shard: number, shards: number): string => `${name}@${shard}/${shards}`;

const shardSet = (name: string, shards: number): string[] =>
  Array.from({ length: shards }, (_, shard) => producerOf(name, shard, shards));

/**
 * Begins a life. A file never sent under this number of shards goes on at the least advanced shard of a set that has
 * sent of it under another number: that repeats readings, and skips none. Undefined: the run has ended.
 */
export async function openSource(
  name: string,
  { shard, shards }: Pick<StreamerConfig, "shard" | "shards">,
  { queue, patience }: { queue: ProducerQueue; patience: Patience },
): Promise<Source | undefined> {
  const producer = producerOf(name, shard, shards);
  const open = (inherit: readonly string[]) => patience.ask(() => queue.openProducer(producer, { inherit }));
  const others = Array.from({ length: KNOWN_SHARD_COUNTS }, (_, index) => index + 1).filter((n) => n !== shards);
  const first = await open(others.map((count) => producerOf(name, 0, count)));
  if (first === undefined) return undefined;
  const { epoch, seq, position } = first;
  if (first.inherited.length === 0) {
    return { producer, epoch, seq, position: position === null ? null : parsePosition(position) };
  }

  const counts = others.filter((count) =>
    first.inherited.some((other) => other.producer === producerOf(name, 0, count)),
  );
  const sets: string[][] = [];
  let asked = 0;
  for (const set of counts.map((count) => shardSet(name, count))) {
    asked += set.length;
    if (asked <= MAX_CALL_ITEMS) sets.push(set);
  }
  const second = await open(sets.flat());
  if (second === undefined) return undefined;
  return { producer, epoch: second.epoch, seq: second.seq, position: mostAdvanced(sets, second.inherited) };
}

/** Of the sets all of whose shards have a position: the most advanced by its least advanced shard. */
function mostAdvanced(sets: readonly string[][], inherited: readonly ProducerPosition[]): StreamPosition | null {
  const positions = new Map(inherited.map(({ producer, position }) => [producer, parsePosition(position)]));
  let best: StreamPosition | null = null;
  for (const set of sets) {
    const ofSet = set.map((producer) => positions.get(producer) ?? null);
    if (!ofSet.every((position) => position !== null)) continue;
    const least = ofSet.reduce((a, b) => (compareProgress(a, b) <= 0 ? a : b));
    if (best === null || compareProgress(best, least) < 0) best = least;
  }
  // What was cut by another shard says nothing of this one's readings behind the place.
  return best && { ...best, skip: 0, size: 0, sent: 0 };
}
