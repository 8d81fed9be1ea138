import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { CHANNELS, channelOf } from "../../../services/live-feed/redis/channels.ts";
import { cutByChannel, decodeMessage, encodeMessage } from "../../../services/live-feed/redis/message.ts";
import { batchOfReadings, uuidOf, type WrittenReading } from "../../support/collector/batches.ts";

const PUBLISHER = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const ALL = new Set(Array.from({ length: CHANNELS }, (_, channel) => channel));

/** Every reading with the facts about its GPU, sorted. */
function readingsOf(batches: Iterable<Batch>): string[] {
  const lines: string[] = [];
  for (const batch of batches) {
    forEachReading(batch, (gpu, series, at, value, facts) => {
      lines.push(JSON.stringify([gpu, series, at, value, facts]));
    });
  }
  return lines.sort();
}

function* fleet(gpus: number, ticks: number): Generator<WrittenReading> {
  for (let gpu = 1; gpu <= gpus; gpu++) {
    for (let tick = 0; tick < ticks; tick++) {
      const namespace = tick < ticks / 2 ? "ml" : null;
      yield {
        gpu,
        host: `host-${gpu % 7}`,
        namespace,
        series: `S_${gpu % 5}`,
        after: tick * 1000,
        value: gpu + tick / 7,
      };
      yield { gpu, host: `host-${gpu % 7}`, namespace, series: "S_9", after: tick * 1000, value: tick };
    }
  }
}

/** The messages that carry the batches when every channel is wanted. */
function* messagesOf(
  batches: readonly Batch[],
): Generator<{ channel: number; bytes: number; batches: readonly Batch[] }> {
  for (const [channel, parts] of cutByChannel(batches, ALL).parts) {
    for (const part of parts) {
      const bytes = encodeMessage(PUBLISHER, 12_345_678_901, part);
      const message = decodeMessage(bytes);
      if (!message.ok) throw new Error(message.error);
      expect(message.value).toMatchObject({ publisher: "0102030405060708", before: 12_345_678_901 });
      expect(message.value.values).toBe(part.values);
      yield { channel, bytes: bytes.length, batches: message.value.batches };
    }
  }
}

test("cutByChannel() puts every reading into a message of its GPU's channel", () => {
  const batches = [batchOfReadings(fleet(200, 20)), batchOfReadings(fleet(30, 3), { seq: 2 })];
  const messages = [...messagesOf(batches)];
  for (const { channel, batches } of messages) {
    for (const { blocks } of batches) for (const { gpu } of blocks) expect(channelOf(gpu)).toBe(channel);
  }
  expect(readingsOf(messages.flatMap((message) => message.batches))).toEqual(readingsOf(batches));
});

test("channelOf() spreads GPUs over the channels", () => {
  const counts = new Float64Array(CHANNELS);
  for (let gpu = 0; gpu < 10_000; gpu++) {
    const channel = channelOf(uuidOf(gpu));
    counts[channel] = (counts[channel] as number) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(100);
  expect(Math.max(...counts)).toBeLessThan(220);
});

test("cutByChannel() cuts out wanted channels alone, and counts the values of all", () => {
  const batch = batchOfReadings(fleet(200, 2));
  const wanted = channelOf(uuidOf(1));
  const { values, parts } = cutByChannel([batch], new Set([wanted]));
  expect([...parts.keys()]).toEqual([wanted]);
  expect(values.reduce((sum, count) => sum + count, 0)).toBe(batch.readings);
  expect(parts.get(wanted)?.reduce((sum, part) => sum + part.values, 0)).toBe(values[wanted] as number);
});

test("cutByChannel() splits a large batch into messages of bounded size", () => {
  const channel = channelOf(uuidOf(1));
  const gpus = Array.from({ length: 2000 }, (_, gpu) => gpu).filter((gpu) => channelOf(uuidOf(gpu)) === channel);
  const noise = function* (): Generator<WrittenReading> {
    for (const gpu of gpus) {
      for (let tick = 0; tick < 3000; tick++) yield { gpu, after: tick * 1000, value: Math.random() };
    }
  };
  const batch = batchOfReadings(noise());
  const messages = [...messagesOf([batch])];
  expect(messages.length).toBeGreaterThan(2);
  expect(Math.max(...messages.map(({ bytes }) => bytes))).toBeLessThan(300 * 1024);
  expect(readingsOf(messages.flatMap(({ batches }) => batches))).toEqual(readingsOf([batch]));
});

test("decodeMessage() fails for a damaged message and for another version, with the reason", () => {
  const [[, parts] = [0, []]] = cutByChannel([batchOfReadings(fleet(1, 3))], ALL).parts;
  const bytes = encodeMessage(PUBLISHER, 0, parts[0] as (typeof parts)[number]);
  expect(decodeMessage(Uint8Array.of(2, ...bytes.subarray(1)))).toEqual({
    ok: false,
    error: "Live message: version must be 1, got 2",
  });
  for (let length = 0; length < bytes.length; length += 7) {
    // Cut after the header, it is a complete message without values.
    if (length === 14) continue;
    expect(decodeMessage(bytes.subarray(0, length)).ok).toBe(false);
  }
  const flipped = bytes.slice();
  flipped[40] = (flipped[40] as number) ^ 1;
  expect(decodeMessage(flipped).ok).toBe(false);
});
