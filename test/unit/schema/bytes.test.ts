import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteReader, DamagedBytes } from "../../../schema/batch/byte-reader.ts";
import { ByteWriter } from "../../../schema/batch/byte-writer.ts";

const written = (write: (out: ByteWriter) => void): ByteReader => {
  const out = new ByteWriter(1);
  write(out);
  return new ByteReader(out.take());
};

describe("ByteReader", () => {
  test("reads everything that ByteWriter writes", () => {
    const whole = fc.oneof(
      fc.nat(300),
      fc.maxSafeNat(),
      fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
    );
    const part = fc.record({
      whole,
      signed: fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }),
      uint32: fc.nat({ max: 2 ** 32 - 1 }),
      double: fc.double({ noNaN: true }),
      text: fc.string({ unit: "binary", maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const from = written((out) => {
          for (const { whole, signed, uint32, double, text } of parts) {
            out.varint(whole);
            out.signed(signed);
            out.uint32(uint32);
            out.double(double);
            out.text(text);
          }
        });
        for (const part of parts) {
          const read = {
            whole: from.varint(),
            signed: from.signed(),
            uint32: from.uint32(),
            double: from.double(),
            text: from.text(100),
          };
          expect(read).toEqual(part);
        }
        expect(from.left).toBe(0);
      }),
    );
  }, 60_000);

  test("reads numbers of every width at any offset", () => {
    for (let width = 1; width <= 25; width++) {
      const numbers = Float64Array.from({ length: 40 }, (_, index) => -3 + ((index * 2_654_435_761) % 2 ** width));
      const from = written((out) => out.bits(numbers, 3, 37, -3, width));
      const into = new Float64Array(40).fill(-3);
      from.bits(into, 3, 37, -3, width);
      expect([from.left, ...into.subarray(3)]).toEqual([0, ...numbers.subarray(3)]);
    }
    for (let width = 4; width <= 6; width++) {
      const numbers = Float64Array.of(0, 1, 256 ** width - 1, 12_345_678);
      const into = new Float64Array(4);
      written((out) => out.wide(numbers, 0, 4, 0, width)).wide(into, 0, 4, 0, width);
      expect([...into]).toEqual([...numbers]);
    }
  });

  test.each<[string, readonly number[], (from: ByteReader) => unknown]>([
    ["a number above 2^53", [255, 255, 255, 255, 255, 255, 255, 127], (from) => from.varint()],
    ["a number without end", new Array(9).fill(255), (from) => from.varint()],
    ["a truncated number", [255], (from) => from.varint()],
    ["a count above its bound", [9], (from) => from.bounded(8, "count")],
    ["bytes beyond the end", [1, 2], (from) => from.bytes(3)],
    ["a truncated double", [1, 2, 3], (from) => from.double()],
    ["text that is not UTF-8", [2, 0xc3, 0x28], (from) => from.text(10)],
    ["text longer than its limit", [3, 65, 65, 65], (from) => from.text(2)],
  ])("refuses %s", (_, bytes, read) => {
    expect(() => read(new ByteReader(Uint8Array.from(bytes)))).toThrow(DamagedBytes);
  });
});
