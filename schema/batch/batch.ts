/**
 * A batch: the content of one message. It holds readings of one producer, grouped by GPU and packed in columns, and the
 * facts of each GPU. The store keeps the blocks of a batch unchanged as buckets, so only the streamer packs columns.
 */
import { createHash } from "node:crypto";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";

/** A block never crosses a full hour (UTC), so a bucket spans at most an hour. */
export const BLOCK_SPAN_MS = 3_600_000;

/** Rounds a time down to the full hour; both in milliseconds since the epoch. */
export const hourStartMs = (atMs: number): number => Math.floor(atMs / BLOCK_SPAN_MS) * BLOCK_SPAN_MS;
export const nextHourStartMs = (atMs: number): number => hourStartMs(atMs) + BLOCK_SPAN_MS;

export interface BatchHeader {
  readonly v: 1;
  /** `source@shard/shards` */
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  /** Readings in all blocks, after duplicates have been merged. */
  readonly readings: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A stretch of time in which every reading of a GPU carried the same facts. `from` and `to` are inclusive, in ms. */
export interface Sighting {
  readonly facts: GpuFacts;
  readonly from: number;
  readonly to: number;
}

/** Readings of one GPU within one hour. */
export interface Block {
  readonly gpu: GpuUuid;
  /** First and last time, both inclusive, in ms. */
  readonly from: number;
  readonly to: number;
  readonly readings: number;
  /** Indices into the batch's `series`, one per packed column, in ascending order of the series' names. */
  readonly series: readonly number[];
  /** Times and values; format: see `columns.ts`. */
  readonly packed: Uint8Array;
}

export interface Batch extends BatchHeader {
  readonly sightings: readonly Sighting[];
  readonly series: readonly Series[];
  readonly blocks: readonly Block[];
}

/**
 * Returns the first 16 hex digits of the SHA-256 over uuid, first time, series names and packed columns. Equal blocks
 * have equal hashes.
 */
export function blockHash(block: Block, series: readonly Series[]): string {
  const hash = createHash("sha256");
  hash.update(`${block.gpu}\n${block.from}\n${block.series.map((index) => series[index]).join("\n")}\n`);
  hash.update(block.packed);
  return hash.digest("hex").slice(0, 16);
}

/** Returns the bucket's `_id` in every store. It depends on the content alone, so saving again changes nothing. */
export const bucketId = (block: Block, series: readonly Series[]): string =>
  `${block.gpu}:${block.from}:${blockHash(block, series)}`;
