import { expect, test } from "bun:test";
import { MessageChannel } from "node:worker_threads";
import { AppError } from "../../../schema/model/errors.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ProducerQueue } from "../../../services/queue/port.ts";
import { connectQueue, serveQueue } from "../../../services/queue/wire.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

function wire(queue: ProducerQueue) {
  const { port1, port2 } = new MessageChannel();
  const server = serveQueue(queue, port1);
  const client = connectQueue(port2);
  return { server, client };
}

const noQueue: ProducerQueue = {
  openProducer: () => new Promise(() => {}),
  publish: () => new Promise(() => {}),
};

test("connectQueue() publishes copies of the bodies: the caller keeps its bytes", async () => {
  await using queue = openMemoryQueue({ clock: new ManualClock(), maxBytes: 300, maxDeliveries: 5 });
  const { server, client } = wire(queue);
  const { epoch, seq, position, inherited } = await client.openProducer("csv@0/1", { inherit: ["csv@0/2"] });
  expect({ epoch, seq, position, inherited }).toEqual({ epoch: 1, seq: 0, position: null, inherited: [] });

  const body = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));
  const batch = { seq: 1, body, readings: 7, position: "offset 256" };
  const from = { producer: "csv@0/1", epoch };
  expect(await client.publish([batch], from)).toEqual({ kind: "accepted" });
  expect(await client.publish([batch], from)).toEqual({ kind: "duplicate" });
  expect(await client.publish([{ ...batch, seq: 2 }], from)).toMatchObject({ kind: "full" });
  expect(body.byteLength).toBe(256);

  const [delivery] = await queue.claim({ max: 1, maxBytes: 1024, leaseMs: 1000, waitMs: 0 });
  expect([...(delivery?.body ?? [])]).toEqual([...body]);
  expect(delivery).toMatchObject({ producer: "csv@0/1", seq: 1, readings: 7, position: "offset 256" });
  client[Symbol.dispose]();
  server[Symbol.dispose]();
});

test("connectQueue() rejects with the code and message of the queue's error", async () => {
  const failing: ProducerQueue = {
    openProducer: () => Promise.reject(new AppError("store unavailable", { code: "unavailable", retryAfterMs: 250 })),
    publish: () => Promise.reject(new TypeError("a defect")),
  };
  const { server, client } = wire(failing);
  expect(client.openProducer("csv")).rejects.toMatchObject({
    name: "AppError",
    code: "unavailable",
    message: "store unavailable",
    retryAfterMs: 250,
  });
  expect(client.publish([], { producer: "csv", epoch: 1 })).rejects.toMatchObject({ code: "internal" });
  await Promise.allSettled([client.openProducer("csv"), client.publish([], { producer: "csv", epoch: 1 })]);
  client[Symbol.dispose]();
  server[Symbol.dispose]();
});

test("connectQueue() rejects calls in flight with unavailable when either side closes", async () => {
  for (const side of ["server", "client"] as const) {
    const both = wire(noQueue);
    const pending = both.client.openProducer("csv").catch((error) => error);
    both[side][Symbol.dispose]();
    expect(await pending).toMatchObject({ code: "unavailable" });
    expect(await both.client.openProducer("csv").catch((error) => error)).toMatchObject({ code: "unavailable" });
    both[side === "server" ? "client" : "server"][Symbol.dispose]();
  }
});
