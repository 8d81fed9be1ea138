import { expect, test } from "bun:test";
import fc from "fast-check";
import type { OutgoingBatch } from "../../../services/queue/port.ts";
import { EntryReader, writeEntries } from "../../../services/queue/redis/entry.ts";
import {
  endOfId,
  nameOf,
  parseName,
  parseReceipt,
  publishedAtOf,
  sizeOf,
} from "../../../services/queue/redis/receipt.ts";

const whole = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const text = fc.string({ unit: "binary", maxLength: 200 });
const batch: fc.Arbitrary<OutgoingBatch> = fc.record({
  seq: whole,
  readings: whole,
  position: text,
  body: fc.uint8Array({ maxLength: 300 }),
});

test("EntryReader.read() returns what writeEntries() has written, entry by entry", () => {
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 5 }), text, whole, (batches, producer, epoch) => {
      const { entries, lengths } = writeEntries(batches, { producer, epoch });
      const reader = new EntryReader();
      let at = 0;
      for (const [index, { position, body, ...numbers }] of batches.entries()) {
        const length = lengths[index] as number;
        const entry = reader.read(entries.subarray(at, at + length));
        at += length;
        // UTF-8 cannot hold half a surrogate pair.
        const asText = (given: string) => Buffer.from(given).toString();
        const expected = { producer: asText(producer), epoch, ...numbers, position: asText(position) };
        expect({ ...entry, body: [...entry.body] }).toEqual({ ...expected, body: [...body] });
      }
      expect(at).toBe(entries.length);
    }),
  );
});

test("EntryReader.read() refuses an entry of another version", () => {
  const { entries } = writeEntries([{ seq: 1, readings: 1, position: "", body: new Uint8Array(3) }], {
    producer: "csv",
    epoch: 1,
  });
  entries[0] = 2;
  expect(() => new EntryReader().read(entries)).toThrow("version must be 1, got 2");
});

test("parseReceipt() reads partition, batch and hand-over, and refuses any other text", () => {
  const id = `1980ff61a00${"2f"}${endOfId(999, 16 * 1024 * 1024)}`;
  expect([sizeOf(id), publishedAtOf(id)]).toEqual([16 * 1024 * 1024, 0x1980ff61a00]);
  expect(parseName(nameOf(15, id))).toEqual({ partition: 15, id });
  expect(parseReceipt(`${nameOf(15, id)}.3`)).toEqual({ partition: 15, id, handover: 3 });
  const name = nameOf(0, id);
  for (const none of [
    "",
    name,
    `${name}.`,
    `${name}.-1`,
    `${name}.1.1`,
    `${id}.1`,
    `0-${id.slice(3)}.x`,
    "0-.1",
    "7.1",
  ]) {
    expect([none, parseReceipt(none)]).toEqual([none, null]);
  }
});
