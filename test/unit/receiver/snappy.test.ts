import { expect, test } from "bun:test";
import { uncompress, uncompressedLength } from "../../../services/receiver/wire/snappy.ts";
import { snappyLiterals } from "../../support/receiver/write-requests.ts";
import { seeded } from "../../support/time/seeded.ts";

const MAX = 1_000_000;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const block = (length: number, ...parts: readonly (number | string)[]) =>
  new Uint8Array(
    Buffer.concat([
      Buffer.from([length]),
      ...parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))),
    ]),
  );
/** A literal of up to 60 bytes. */
const literal = (given: string): [number, string] => [(given.length - 1) << 2, given];

test("uncompress() returns literals, short and long", () => {
  expect(text(uncompress(block(5, ...literal("hello")), MAX))).toBe("hello");
  const long = "x".repeat(70_000);
  expect(text(uncompress(snappyLiterals(Buffer.from(long)), MAX))).toBe(long);
});

test("uncompress() returns copies with offsets of 1, 2 and 4 bytes, overlapping ones too", () => {
  expect(text(uncompress(block(10, ...literal("ab"), (4 << 2) | 1, 2), MAX))).toBe("ababababab");
  expect(text(uncompress(block(10, ...literal("ab"), (7 << 2) | 2, 2, 0), MAX))).toBe("ababababab");
  expect(text(uncompress(block(10, ...literal("ab"), (7 << 2) | 3, 1, 0, 0, 0), MAX))).toBe("abbbbbbbbb");
});

test("uncompress() returns nothing for an empty block", () => {
  expect(uncompress(block(0), MAX)).toEqual(new Uint8Array(0));
});

test("uncompress() refuses a block that states a length beyond the bound, before it allocates", () => {
  const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  expect(uncompressedLength(bomb)).toBe(2 ** 32 - 1);
  expect(() => uncompress(bomb, MAX)).toThrow("body must have at most 1000000 bytes, got 4294967295");
});

const DAMAGED: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["no bytes", new Uint8Array(0)],
  ["a length that does not end", Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ["a literal beyond the block", block(5, 4 << 2, "he")],
  ["a literal beyond the length", block(2, ...literal("hello"))],
  ["a long literal whose size is cut", block(200, 61 << 2, 1)],
  ["a copy before anything", block(4, 1, 1)],
  ["a copy from before the start", block(6, ...literal("ab"), 1, 3)],
  ["a copy with offset 0", block(6, ...literal("ab"), 1, 0)],
  ["a copy beyond the length", block(4, ...literal("ab"), 1, 2)],
  ["a copy whose offset is cut", block(6, ...literal("ab"), 2, 1)],
  ["too little", block(9, ...literal("hello"))],
];
for (const [name, bytes] of DAMAGED) {
  test(`uncompress() refuses ${name}`, () => {
    expect(() => uncompress(bytes, MAX)).toThrow("body must be a snappy block");
  });
}

test("uncompress() returns or refuses random bytes, and never writes beyond the length", () => {
  const random = seeded("snappy");
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    bytes[0] = (bytes[0] ?? 0) & 0x7f;
    try {
      expect(uncompress(bytes, MAX).length).toBe(uncompressedLength(bytes));
    } catch (error) {
      expect((error as Error).name).toBe("Malformed");
    }
  }
});
