import { describe, expect, test } from "bun:test";
import type { Peer } from "crossws";
import { SocketRoom } from "../../../services/platform/http/socket-room.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

/** A room of a socket that takes messages while it is `open` to them. */
function openRoom({ status = 1 as unknown } = {}) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const ends: unknown[] = [];
  let open = () => {};
  let drained = Promise.resolve();
  const peer = {
    websocket: { readyState: 1, terminate() {} },
    send(text: string) {
      if (status instanceof Error) throw status;
      sent.push(text);
      return status;
    },
    close: (code: number) => ends.push(code),
    terminate: () => ends.push("terminated"),
    waitForDrain: () => drained,
  };
  return {
    room: new SocketRoom(peer as unknown as Peer, { clock }),
    clock,
    sent,
    ends,
    fill() {
      drained = new Promise((resolve) => {
        open = resolve;
      });
    },
    drain: () => open(),
  };
}

describe("a socket's room", () => {
  test("sends messages in their order, when there is room", async () => {
    const { room, sent, fill, drain } = openRoom();
    fill();
    const sends = [room.send("a"), room.send(() => "b"), room.send("c", { isPing: true })];
    await settled();
    expect(sent).toEqual([]);
    drain();
    expect(await Promise.all(sends)).toEqual([true, true, true]);
    expect([sent, room.sent]).toEqual([["a", "b", "c"], 2]);
  });

  // Bun reports a dropped message by 0, Deno throws.
  for (const [how, status] of [
    ["is dropped", 0],
    ["fails", new Error("InvalidStateError")],
  ] as const) {
    test(`ends the socket with 1013 when a message ${how}, and sends nothing afterwards`, async () => {
      const { room, clock, sent, ends } = openRoom({ status });
      expect(await Promise.all([room.send("a"), room.send("b")])).toEqual([false, false]);
      expect([ends, sent.length <= 1, room.sent]).toEqual([[1013], true, 0]);
      await clock.advance(1000);
      expect(ends).toEqual([1013, "terminated"]);
    });
  }

  test("accepts backpressure as sent", async () => {
    const { room, ends } = openRoom({ status: -1 });
    expect([await room.send("a"), ends]).toEqual([true, []]);
  });

  test("ends the socket with 1013 when more than 64 MiB of text wait, but lets one longer message wait", async () => {
    const { room, ends, fill } = openRoom();
    fill();
    const long = "x".repeat(65 * 1024 * 1024);
    void room.send(long);
    await settled();
    expect(ends).toEqual([]);
    expect(await room.send("y")).toBe(false);
    expect(ends).toEqual([1013]);
  });
});
