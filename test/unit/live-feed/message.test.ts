import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { CHANNELS, channelOf } from "../../../services/live-feed/redis/channels.ts";
import { cutByChannel, decodeMessage, encodeMessage } from "../../../services/live-feed/redis/message.ts";
import { batchOfReadings, uuidOf, type WrittenReading } from "../../support/collector/batches.ts";

const PUBLISHER = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const ALL = new Set(Array.from({ length: CHANNELS }, (_, channel) => channel));

/** Every reading with all that is said of it, in order. */
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

/** What is heard of the batches when all channels are listened to. */
function* heardOf(batches: readonly Batch[]): Generator<{ channel: number; bytes: number; batches: readonly Batch[] }> {
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

test("the messages of all channels hold every reading of the batches, on its GPU's channel", () => {
  const batches = [batchOfReadings(fleet(200, 20)), batchOfReadings(fleet(30, 3), { seq: 2 })];
  const heard = [...heardOf(batches)];
  for (const { channel, batches } of heard) {
    for (const { blocks } of batches) for (const { gpu } of blocks) expect(channelOf(gpu)).toBe(channel);
  }
  expect(readingsOf(heard.flatMap((message) => message.batches))).toEqual(readingsOf(batches));
});

test("GPUs are spread over the channels", () => {
  const counts = new Float64Array(CHANNELS);
  for (let gpu = 0; gpu < 10_000; gpu++) {
    const channel = channelOf(uuidOf(gpu));
    counts[channel] = (counts[channel] as number) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(100);
  expect(Math.max(...counts)).toBeLessThan(220);
});

test("only channels that are wanted are cut out, and all of them are counted", () => {
  const batch = batchOfReadings(fleet(200, 2));
  const wanted = channelOf(uuidOf(1));
  const { values, parts } = cutByChannel([batch], new Set([wanted]));
  expect([...parts.keys()]).toEqual([wanted]);
  expect(values.reduce((sum, count) => sum + count, 0)).toBe(batch.readings);
  expect(parts.get(wanted)?.reduce((sum, part) => sum + part.values, 0)).toBe(values[wanted] as number);
});

test("what a channel has of a large batch goes out in messages of bounded size", () => {
  const channel = channelOf(uuidOf(1));
  const gpus = Array.from({ length: 2000 }, (_, gpu) => gpu).filter((gpu) => channelOf(uuidOf(gpu)) === channel);
  const noise = function* (): Generator<WrittenReading> {
    for (const gpu of gpus) {
      for (let tick = 0; tick < 3000; tick++) yield { gpu, after: tick * 1000, value: Math.random() };
    }
  };
  const batch = batchOfReadings(noise());
  const heard = [...heardOf([batch])];
  expect(heard.length).toBeGreaterThan(2);
  expect(Math.max(...heard.map(({ bytes }) => bytes))).toBeLessThan(300 * 1024);
  expect(readingsOf(heard.flatMap(({ batches }) => batches))).toEqual(readingsOf([batch]));
});

test("a message that is damaged or of another version is an error that says so", () => {
  const [[, parts] = [0, []]] = cutByChannel([batchOfReadings(fleet(1, 3))], ALL).parts;
  const bytes = encodeMessage(PUBLISHER, 0, parts[0] as (typeof parts)[number]);
  expect(decodeMessage(Uint8Array.of(2, ...bytes.subarray(1)))).toEqual({
    ok: false,
    error: "Cannot decode the live message: it has version 2, known is 1",
  });
  for (let length = 0; length < bytes.length; length += 7) {
    // Up to the publisher and its count nothing is missing: that is a message of no values.
    if (length === 14) continue;
    expect(decodeMessage(bytes.subarray(0, length)).ok).toBe(false);
  }
  const flipped = bytes.slice();
  flipped[40] = (flipped[40] as number) ^ 1;
  expect(decodeMessage(flipped).ok).toBe(false);
});
