import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { createPacker } from "../../../services/api-gateway/rest/compression.ts";
import { streamOf } from "../../../services/api-gateway/rest/stream.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const clock = new ManualClock();

/** A generator of texts that counts what was taken, and records its end. */
function openTexts(...all: string[]) {
  const state = { taken: 0, left: false };
  async function* tell() {
    try {
      for (const text of all) {
        state.taken++;
        yield text;
      }
    } finally {
      state.left = true;
    }
  }
  return { state, texts: tell() };
}

test("a text is generated when it is read, not before", async () => {
  const { state, texts } = openTexts("a", "b", "c");
  const ends: (string | undefined)[] = [];
  const reader = streamOf(texts, { packer: null, clock, onEnd: (reason) => ends.push(reason) }).getReader();
  expect(state.taken).toBe(0);
  await reader.read();
  expect(state.taken).toBe(1);
  await reader.cancel();
  expect([state.taken, state.left, ends]).toEqual([1, true, [undefined]]);
});

test("each compressed piece can be read without the next, and all together are one stream", async () => {
  const { texts } = openTexts("first,", "second");
  const stream = streamOf(texts, { packer: createPacker("gzip"), clock, onEnd: () => {} });
  const pieces: Uint8Array[] = [];
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) pieces.push(piece);
  expect(pieces.length).toBeGreaterThanOrEqual(2);
  expect(gunzipSync(Buffer.concat(pieces)).toString()).toBe("first,second");
});

test("a client that reads nothing for 2 minutes is cut off", async () => {
  const { state, texts } = openTexts("a", "b");
  const ends: (string | undefined)[] = [];
  const stream = streamOf(texts, { packer: null, clock, onEnd: (reason) => ends.push(reason) });
  const reader = stream.getReader();
  await reader.read();
  await clock.advance(119_000);
  expect(ends).toEqual([]);
  await clock.advance(1000);
  expect([ends, state.left]).toEqual([["the client read nothing for 120 s"], true]);
  expect(reader.read()).rejects.toBeUndefined();
});
