import { describe, expect, test } from "bun:test";
import { pacedBody, pacedBytes, pacedStream } from "../../../services/platform/http/paced-body.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

const PIECE = 256 * 1024;

function open() {
  const clock = new ManualClock();
  let ends = 0;
  return { clock, options: { clock, onEnd: () => void ends++ }, ends: () => ends };
}

function streamOf(body: BodyInit): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body;
  throw new Error("The body is no stream");
}

describe("paced body", () => {
  test("sends texts and bytes in their order, in pieces", async () => {
    const { options, ends } = open();
    const parts = ["é", new Uint8Array([65, 66]), "x".repeat(3 * PIECE), "end"];
    const sizes: number[] = [];
    const pieces: Uint8Array[] = [];
    for await (const piece of streamOf(pacedBody(parts, options))) {
      sizes.push(piece.byteLength);
      pieces.push(piece);
    }
    expect(Buffer.concat(pieces).toString()).toBe(`éAB${"x".repeat(3 * PIECE)}end`);
    expect([Math.max(...sizes), ends()]).toEqual([PIECE, 1]);
  });

  test("makes a part when the reader asks for it", async () => {
    const { options } = open();
    let made = 0;
    function* parts() {
      for (; made < 10; made++) yield "x".repeat(PIECE);
    }
    const reader = streamOf(pacedBody(parts(), options)).getReader();
    await reader.read();
    await settled();
    expect(made).toBeLessThan(2);
    await reader.cancel();
  });

  test("is cut when its reader takes nothing for 30 s", async () => {
    const { clock, options, ends } = open();
    const reader = streamOf(pacedBody(["x".repeat(3 * PIECE)], options)).getReader();
    await reader.read();
    await clock.advance(29_999);
    expect([(await reader.read()).done, ends()]).toEqual([false, 0]);
    await clock.advance(30_000);
    expect(ends()).toBe(1);
    await expect(reader.read()).rejects.toBeUndefined();
  });

  test("is cut when its reader falls 30 s behind a pace of 64 KiB a second", async () => {
    const { clock, options, ends } = open();
    const reader = streamOf(pacedBody(["x".repeat(100 * PIECE)], options)).getReader();
    // A piece is worth 4 s.
    let pieces = 0;
    for (; ends() === 0 && pieces < 100; pieces++) {
      await reader.read();
      await clock.advance(29_000);
    }
    expect(pieces).toBe(2);
    await expect(reader.read()).rejects.toBeUndefined();
  });

  test("is not cut when its reader keeps that pace", async () => {
    const { clock, options, ends } = open();
    const reader = streamOf(pacedBody(["x".repeat(100 * PIECE)], options)).getReader();
    while (!(await reader.read()).done) await clock.advance(4000);
    expect(ends()).toBe(1);
  });

  test("ends when its reader leaves", async () => {
    const { clock, options, ends } = open();
    const reader = streamOf(pacedBody(["x".repeat(3 * PIECE)], options)).getReader();
    await reader.read();
    await reader.cancel();
    expect([ends(), clock.sleeping]).toEqual([1, 0]);
  });

  test("is cut when a part cannot be made", async () => {
    const { options, ends } = open();
    function* parts() {
      yield "x".repeat(PIECE);
      throw new Error("no more");
    }
    const reader = streamOf(pacedBody(parts(), options)).getReader();
    await reader.read();
    await expect(reader.read()).rejects.toBeUndefined();
    expect(ends()).toBe(1);
  });

  test("of few texts is sent at once, and holds nothing", () => {
    const { options, ends } = open();
    expect([pacedBody(["a", new Uint8Array([66])], options), ends()]).toEqual([Buffer.from("aB"), 1]);
  });

  test("of few bytes is sent at once, and holds nothing", () => {
    const { options, ends } = open();
    const bytes = new Uint8Array(PIECE);
    expect([pacedBytes(bytes, options), ends()]).toEqual([bytes, 1]);
  });

  test("of a stream passes each piece on as it comes, and stops the stream when its reader leaves", async () => {
    const { options, ends } = open();
    let isCancelled = false;
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array([1])),
      cancel: () => {
        isCancelled = true;
      },
    });
    const response = pacedStream(new Response(source, { status: 203, headers: { "x-a": "b" } }), options);
    const reader = response.body?.getReader();
    expect([(await reader?.read())?.value, response.status, response.headers.get("x-a")]).toEqual([
      new Uint8Array([1]),
      203,
      "b",
    ]);
    await reader?.cancel();
    expect([isCancelled, ends()]).toEqual([true, 1]);
  });
});
