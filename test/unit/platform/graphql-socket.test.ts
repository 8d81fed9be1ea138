import { describe, expect, test } from "bun:test";
import type { Message, Peer } from "crossws";
import { parse } from "graphql";
import { Answer } from "../../../services/platform/graphql/answer.ts";
import { createGraphqlSocket } from "../../../services/platform/graphql/graphql-socket.ts";
import { SocketRoom } from "../../../services/platform/http/socket-room.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

type Result = { readonly data: Record<string, unknown> };

/** A socket of graphql-transport-ws whose queries are answered by `execute`, and whose reader takes text on request. */
function openSocket(execute: (left: AbortSignal) => Promise<Result> | Result) {
  const told: string[] = [];
  let held = 0;
  const taken = Promise.withResolvers<void>();
  let isTaken = false;
  const peer = {
    websocket: { readyState: 1 },
    request: new Request("http://a/graphql", { headers: { "sec-websocket-protocol": "graphql-transport-ws" } }),
    send: (text: string) => told.push((JSON.parse(text) as { type: string }).type),
    close() {},
    // A result is larger than what may be buffered; other messages are not.
    waitForDrain: () => (told.at(-1) === "next" && !isTaken ? taken.promise : Promise.resolve()),
  } as unknown as Peer;
  const hooks = createGraphqlSocket({
    limits: { maxMessageBytes: 1024, maxTextBytes: 10_240 },
    log: silentLogger,
    open: () => ({ room: new SocketRoom(peer, { clock: new ManualClock() }), close() {} }),
    upgrade: () => null,
    options: {
      onSubscribe() {
        const answer = new Answer();
        held++;
        answer.onSent(() => held--);
        return { schema: {} as never, document: parse("{ a }"), contextValue: { answer } };
      },
      execute: ({ contextValue }) => execute((contextValue as { left: AbortSignal }).left),
    },
  });
  const send = (message: object) => hooks.message?.(peer, { text: () => JSON.stringify(message) } as Message);
  void hooks.open?.(peer);
  return {
    told,
    held: () => held,
    send,
    async begin(...ids: readonly string[]) {
      await send({ type: "connection_init" });
      for (const id of ids) void send({ id, type: "subscribe", payload: { query: "{ a }" } });
      await settled();
    },
    take() {
      isTaken = true;
      taken.resolve();
    },
    close: () => hooks.close?.(peer, { code: 1000 }),
  };
}

describe("GraphQL over WebSocket", () => {
  test("holds the place of a result until its reader has taken it", async () => {
    const { begin, told, held, take } = openSocket(() => ({ data: { a: "long" } }));
    await begin("1");
    expect([told, held()]).toEqual([["connection_ack", "next"], 1]);
    take();
    await settled();
    expect([told, held()]).toEqual([["connection_ack", "next", "complete"], 0]);
  });

  /** An execution that ends when its client leaves. */
  const waiting = (ends: number[]) => (left: AbortSignal) =>
    new Promise<Result>((resolve) => {
      left.addEventListener("abort", () => resolve({ data: { ended: ends.push(1) } }), { once: true });
    });

  test("stops an operation that its client completes, and leaves the others", async () => {
    const ends: number[] = [];
    const { begin, send, told, held } = openSocket(waiting(ends));
    await begin("1", "2");
    expect(held()).toBe(2);
    await send({ id: "1", type: "complete" });
    await settled();
    expect([ends.length, held(), told]).toEqual([1, 1, ["connection_ack"]]);
  });

  test("stops all operations of a socket that closes", async () => {
    const ends: number[] = [];
    const { begin, close, held } = openSocket(waiting(ends));
    await begin("1", "2");
    await close();
    await settled();
    expect([ends.length, held()]).toEqual([2, 0]);
  });
});
