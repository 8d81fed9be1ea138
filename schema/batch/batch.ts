/**
 * What one message carries: readings of one producer, regrouped by GPU, columnar, with what was seen of each GPU.
 * A batch's blocks become the store's buckets as they are: the columns are packed once, by the streamer.
 */
import { createHash } from "node:crypto";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";

/** A block never crosses a full hour (UTC), so a bucket spans an hour at most. */
export const BLOCK_SPAN_MS = 3_600_000;

/** The start of the hour in which a time lies; both in milliseconds since the epoch. */
export const hourStartMs = (atMs: number): number => Math.floor(atMs / BLOCK_SPAN_MS) * BLOCK_SPAN_MS;
export const nextHourStartMs = (atMs: number): number => hourStartMs(atMs) + BLOCK_SPAN_MS;

export interface BatchHeader {
  readonly v: 1;
  /** `source@shard/shards` */
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  /** Readings in all blocks together, after merging. */
  readonly readings: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The facts of one GPU as the rows of `from` to `to` (both inclusive, ms) gave them without interruption. */
export interface Sighting {
  readonly facts: GpuFacts;
  readonly from: number;
  readonly to: number;
}

/** One GPU's readings of one batch within one hour. */
export interface Block {
  readonly gpu: GpuUuid;
  /** First and last time in it, both inclusive, ms. */
  readonly from: number;
  readonly to: number;
  readonly readings: number;
  /** Indices into the batch's `series`, one per packed column, in ascending order of the series' names. */
  readonly series: readonly number[];
  /** Times and values: see `columns.ts`. */
  readonly packed: Uint8Array;
}

export interface Batch extends BatchHeader {
  readonly sightings: readonly Sighting[];
  readonly series: readonly Series[];
  readonly blocks: readonly Block[];
}

/** 16 hex digits of SHA-256 over uuid, first time, series names and packed columns: the same readings, the same hash. */
export function blockHash(block: Block, series: readonly Series[]): string {
  const hash = createHash("sha256");
  hash.update(`${block.gpu}\n${block.from}\n${block.series.map((index) => series[index]).join("\n")}\n`);
  hash.update(block.packed);
  return hash.digest("hex").slice(0, 16);
}

/** The bucket's `_id` in every store: made from the content alone, so that saving again changes nothing. */
export const bucketId = (block: Block, series: readonly Series[]): string =>
  `${block.gpu}:${block.from}:${blockHash(block, series)}`;
