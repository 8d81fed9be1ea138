/**
 * Cuts batches into messages by channel, and encodes and decodes messages. The fields of a message, in order:
 *
 * - version: 1 byte, 1
 * - publisher: 8 random bytes that name one process
 * - before: varint, number of values that the publisher had for this channel before this message, sent or not
 * - parts of batches, until the end: for each, a length (varint) and an encoded batch (`schema/batch/codec.ts`)
 */
import type { Batch, Block, Sighting } from "../../../schema/batch/batch.ts";
import { ByteReader, DamagedBytes } from "../../../schema/batch/byte-reader.ts";
import { ByteWriter } from "../../../schema/batch/byte-writer.ts";
import { decodeBatch, encodeBatch } from "../../../schema/batch/codec.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { CHANNELS, channelOf } from "./channels.ts";

const VERSION = 1;
export const PUBLISHER_BYTES = 8;
/** Bound on a message before compression. A block that is larger gets its own message. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Estimated size of the facts about a block's GPU in a message. */
const FACTS_BYTES = 256;

export interface LiveMessage {
  /** Identifies the publishing process; hexadecimal. */
  readonly publisher: string;
  /** Number of values that the publisher had for this channel before this message, whether or not they were sent. */
  readonly before: number;
  readonly values: number;
  readonly batches: readonly Batch[];
}

/** The content of one message. */
export interface Part {
  readonly values: number;
  readonly batches: readonly Batch[];
}

function partOf(batch: Batch, { sightings, blocks }: Pick<Batch, "sightings" | "blocks">): Batch {
  const gpus = new Set<GpuUuid>(blocks.map(({ gpu }) => gpu));
  const used = [...new Set(blocks.flatMap(({ series }) => series))].sort((a, b) => a - b);
  const renumbered = new Map(used.map((number, index) => [number, index]));
  const lists = new Map<readonly number[], readonly number[]>();
  const renumber = (list: readonly number[]): readonly number[] => {
    const known = lists.get(list) ?? list.map((number) => renumbered.get(number) as number);
    lists.set(list, known);
    return known;
  };
  return {
    ...batch,
    readings: blocks.reduce((sum, { readings }) => sum + readings, 0),
    marks: blocks.reduce((sum, { marks }) => sum + marks, 0),
    sightings: sightings.filter(({ facts }) => gpus.has(facts.uuid)),
    series: used.map((number) => batch.series[number] as (typeof batch.series)[number]),
    blocks: blocks.map((block) => ({ ...block, series: renumber(block.series) })),
  };
}

class Cut {
  readonly parts: Part[] = [];
  #batches: Batch[] = [];
  #values = 0;
  #bytes = 0;

  /** Adds the given sightings and blocks of a batch. Begins a new part whenever one is full. */
  add(batch: Batch, { sightings, blocks }: Pick<Batch, "sightings" | "blocks">): void {
    let taken: Block[] = [];
    const take = () => {
      if (taken.length > 0) this.#batches.push(partOf(batch, { sightings, blocks: taken }));
      taken = [];
    };
    for (const block of blocks) {
      const bytes = block.packed.length + FACTS_BYTES;
      if (this.#bytes > 0 && this.#bytes + bytes > MAX_MESSAGE_BYTES) {
        take();
        this.end();
      }
      taken.push(block);
      this.#values += block.readings;
      this.#bytes += bytes;
    }
    take();
  }

  end(): void {
    if (this.#batches.length > 0) this.parts.push({ values: this.#values, batches: this.#batches });
    this.#batches = [];
    this.#values = 0;
    this.#bytes = 0;
  }
}

interface ChannelShare {
  readonly sightings: Sighting[];
  readonly blocks: Block[];
}

/**
 * Returns the sightings and blocks of a batch for each wanted channel. Adds the batch's values to the counts of all
 * channels.
 */
function shares(batch: Batch, wanted: ReadonlySet<number>, values: Float64Array): ReadonlyMap<number, ChannelShare> {
  const found = new Map<number, ChannelShare>();
  for (const block of batch.blocks) {
    const channel = channelOf(block.gpu);
    values[channel] = (values[channel] as number) + block.readings;
    if (!wanted.has(channel)) continue;
    const share = found.get(channel) ?? { sightings: [], blocks: [] };
    found.set(channel, share);
    share.blocks.push(block);
  }
  if (found.size > 0) {
    for (const sighting of batch.sightings) found.get(channelOf(sighting.facts.uuid))?.sightings.push(sighting);
  }
  return found;
}

/** Counts the values of the batches for every channel, and cuts them into parts for the wanted channels. */
export function cutByChannel(
  batches: readonly Batch[],
  wanted: ReadonlySet<number>,
): { readonly values: Float64Array; readonly parts: ReadonlyMap<number, readonly Part[]> } {
  const values = new Float64Array(CHANNELS);
  const cuts = new Map<number, Cut>();
  for (const batch of batches) {
    for (const [channel, share] of shares(batch, wanted, values)) {
      const cut = cuts.get(channel) ?? new Cut();
      cuts.set(channel, cut);
      cut.add(batch, share);
    }
  }
  for (const cut of cuts.values()) cut.end();
  return { values, parts: new Map([...cuts].map(([channel, { parts }]) => [channel, parts])) };
}

/** @param publisher `PUBLISHER_BYTES` bytes that identify the publisher */
export function encodeMessage(publisher: Uint8Array, before: number, { batches }: Part): Uint8Array {
  const out = new ByteWriter();
  out.byte(VERSION);
  out.bytes(publisher);
  out.varint(before);
  for (const batch of batches) {
    const bytes = encodeBatch(batch);
    out.varint(bytes.length);
    out.bytes(bytes);
  }
  return out.take();
}

function read(from: ByteReader): LiveMessage {
  const version = from.byte();
  if (version !== VERSION) throw new DamagedBytes(`version must be ${VERSION}, got ${version}`);
  const publisher = Buffer.from(from.bytes(PUBLISHER_BYTES)).toString("hex");
  const before = from.varint();
  const batches: Batch[] = [];
  let values = 0;
  while (from.left > 0) {
    const batch = decodeBatch(from.bytes(from.varint()));
    if (!batch.ok) throw new DamagedBytes(batch.error);
    batches.push(batch.value);
    values += batch.value.readings;
  }
  return { publisher, before, values, batches };
}

/** Returns the message, or the reason why its version is unknown or its bytes are damaged. */
export function decodeMessage(bytes: Uint8Array): Result<LiveMessage> {
  try {
    return ok(read(new ByteReader(bytes)));
  } catch (error) {
    if (error instanceof DamagedBytes) return fail(`Live message: ${error.message}`);
    throw error;
  }
}
