/**
 * A batch: the content of one message. It holds readings of one producer, grouped by GPU and packed in columns, and the
 * facts of each GPU. The store keeps the blocks of a batch unchanged as buckets, so only the streamer packs columns.
 */
import { createHash } from "node:crypto";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Holder } from "../model/holder.ts";
import type { Series } from "../model/reading.ts";
import { type Evidence, evidenceText } from "./evidence.ts";

/** A block never crosses a full hour (UTC), so a bucket spans at most an hour. */
export const BLOCK_SPAN_MS = 3_600_000;

/** Rounds a time down to the full hour; both in milliseconds since the epoch. */
export const hourStartMs = (atMs: number): number => Math.floor(atMs / BLOCK_SPAN_MS) * BLOCK_SPAN_MS;
export const nextHourStartMs = (atMs: number): number => hourStartMs(atMs) + BLOCK_SPAN_MS;

export interface BatchHeader {
  /** Version of the format. Version 1 has no evidence and no marks, and names one holder with each sighting. */
  readonly v: 1 | 2;
  /** `source@shard/shards` */
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  /** Readings in all blocks, after duplicates have been merged. */
  readonly readings: number;
  /** Stale marks in all blocks. A mark ends a series: the source has stated that it no longer exists. */
  readonly marks: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A stretch of time in which every reading of a GPU carried the same facts. `from` and `to` are inclusive, in ms. */
export interface Sighting {
  readonly facts: GpuFacts;
  /** The holder that the rows named; only in batches of version 1. */
  readonly holder?: Holder | null;
  readonly from: number;
  readonly to: number;
}

/** Readings and stale marks of one GPU within one hour. */
export interface Block {
  readonly gpu: GpuUuid;
  /** First and last time, both inclusive, in ms. */
  readonly from: number;
  readonly to: number;
  readonly readings: number;
  readonly marks: number;
  /** Indices into the batch's `series`, one per packed column, in ascending order of the series' names. */
  readonly series: readonly number[];
  /** Times, values and marks; format: see `columns.ts`. */
  readonly packed: Uint8Array;
  /** Which holders the rows named; null if none of them named one, and in batches of version 1. */
  readonly evidence: Evidence | null;
}

export interface Batch extends BatchHeader {
  readonly sightings: readonly Sighting[];
  readonly series: readonly Series[];
  readonly blocks: readonly Block[];
}

/** Names of series, each followed by a line feed. Blocks of a batch share their lists, so each text is made once. */
const names = new WeakMap<readonly number[], { readonly series: readonly Series[]; readonly text: string }>();

function namesOf(list: readonly number[], series: readonly Series[]): string {
  let known = names.get(list);
  if (known?.series !== series) {
    known = { series, text: list.map((index) => `${series[index]}\n`).join("") };
    names.set(list, known);
  }
  return known.text;
}

/**
 * Returns the first 16 hex digits of the SHA-256 over uuid, first time, series names, packed columns and evidence.
 * Equal blocks have equal hashes. A block without evidence has the hash that version 1 gave it.
 */
export function blockHash(block: Block, series: readonly Series[], evidence = block.evidence): string {
  const hash = createHash("sha256");
  hash.update(`${block.gpu}\n${block.from}\n${namesOf(block.series, series)}`);
  hash.update(block.packed);
  if (evidence !== null) hash.update(`\n${evidenceText(evidence)}`);
  return hash.digest("hex").slice(0, 16);
}

/** Returns the bucket's `_id` in every store. It depends on the content alone, so saving again changes nothing. */
export const bucketId = (block: Block, series: readonly Series[]): string =>
  `${block.gpu}:${block.from}:${blockHash(block, series)}`;
