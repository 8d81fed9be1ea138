import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { AppError } from "../../../schema/model/errors.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { MAX_BATCH_BYTES, type Queue } from "../../../services/queue/port.ts";
import { MAX_CALL_BYTES } from "../../../services/queue/wire.ts";
import { batchOf, claim, codeOf, openPublisher, textsOf } from "../../conformance/queue/bench.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";
import { isPending } from "../../support/time/pending.ts";

const clock = systemClock;

const memory = (maxBytes = 1024 * 1024) => openMemoryQueue({ clock: new ManualClock(), maxBytes, maxDeliveries: 5 });

/** A queue whose claims are answered after `goOn()`. `claimed` and `left` resolve when a claim is made and aborted. */
function held(queue: Queue) {
  const claimed = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const slow: Queue = Object.assign(Object.create(queue), {
    openProducer: queue.openProducer.bind(queue),
    publish: queue.publish.bind(queue),
    nack: queue.nack.bind(queue),
    stats: queue.stats.bind(queue),
    async claim(request: Parameters<Queue["claim"]>[0]) {
      const deliveries = await queue.claim(request);
      request.signal?.addEventListener("abort", () => left.resolve());
      claimed.resolve();
      await goOn.promise;
      return deliveries;
    },
  });
  return { queue: slow, claimed: claimed.promise, left: left.promise, goOn: goOn.resolve };
}

/** A TCP server that answers each request with raw bytes and counts them. */
async function rawServer(answer: (socket: Socket, number: number) => void) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => answer(socket, ++requests));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const httpAnswer = (status: string, body: string, type = "application/json") =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test("HTTP queue releases the deliveries of a claim that was aborted while its answer was on the way", async () => {
  await using behind = memory();
  const slow = held(behind);
  await using server = await openQueueServer(slow.queue);
  await (await openPublisher(behind)).publish("a", "b");
  const leaving = new AbortController();
  const claiming = claim(server.client, { waitMs: 30_000, signal: leaving.signal });
  await slow.claimed;
  leaving.abort();
  slow.goOn();
  expect(await claiming).toEqual([]);
  expect(await behind.stats()).toMatchObject({ ready: 2, leased: 0, counters: { claimed: 2, released: 2 } });
});

test("HTTP queue abandons an aborted claim that the service is slow to answer", async () => {
  await using behind = memory();
  const slow = held(behind);
  await using server = await openQueueServer(slow.queue);
  await (await openPublisher(behind)).publish("a");
  const leaving = new AbortController();
  const claiming = claim(server.client, { signal: leaving.signal });
  await slow.claimed;
  leaving.abort();
  expect(await claiming).toEqual([]);
  await slow.left;
  slow.goOn();
  await eventually(async () => (await behind.stats()).ready === 1, { what: "the batch is ready again" });
});

test("HTTP queue cuts the connection of an aborted claim if the DELETE reaches another replica", async () => {
  await using behind = memory();
  await using waits = await openQueueServer(behind);
  await using other = await openQueueServer(memory());
  const real = globalThis.fetch;
  const { port } = new URL(other.url);
  const route = ((url: string, init?: RequestInit) =>
    real(init?.method === "DELETE" ? url.replace(/:\d+/, `:${port}`) : url, init)) as typeof fetch;
  globalThis.fetch = route;
  try {
    const leaving = new AbortController();
    const claiming = claim(waits.client, { waitMs: 30_000, signal: leaving.signal });
    await waits.client.stats();
    leaving.abort();
    expect(await claiming).toEqual([]);
  } finally {
    globalThis.fetch = real;
  }
  await eventually(async () => (await waits.waiting()) === 0, { what: "no claim waits" });
  await (await openPublisher(behind)).publish("a");
  expect(await behind.stats()).toMatchObject({ ready: 1, leased: 0 });
});

test("HTTP queue, once closed, ends its waits and throws unavailable", async () => {
  await using behind = memory();
  await using server = await openQueueServer(behind);
  let answered: unknown;
  void claim(server.client, { waitMs: 30_000 }).then((deliveries) => {
    answered = deliveries;
  });
  await server.client.stats();
  await server.client[Symbol.asyncDispose]();
  expect(answered).toEqual([]);
  const { client } = server;
  const calls = [client.stats(), claim(client), client.ack([]), client.openProducer("a"), client.deadLetters.purge()];
  expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "unavailable"));
});

test("HTTP queue throws unavailable without a server and on a cut connection, and sends each call once", async () => {
  await using server = await rawServer((socket, number) => {
    if (number === 1) socket.write(httpAnswer("200 OK", JSON.stringify({ results: [] })));
    else socket.destroy();
  });
  await using queue = openHttpQueue({ url: server.url, token: null, clock });
  expect(await queue.ack([])).toEqual([]);
  expect(await codeOf(queue.ack([]))).toBe("unavailable");
  expect(server.requests()).toBe(2);
  await server[Symbol.asyncDispose]();
  expect(await codeOf(queue.ack([]))).toBe("unavailable");
});

test("HTTP queue throws unavailable when the service does not answer in time", async () => {
  await using server = await rawServer(() => {});
  const manual = new ManualClock();
  await using queue = openHttpQueue({ url: server.url, token: null, clock: manual });
  const call = queue.stats().catch((error) => error);
  const waiting = codeOf(claim(queue, { waitMs: 2000 }));
  await manual.advance(14_999);
  expect(await isPending(call)).toBe(true);
  await manual.advance(1);
  expect(await call).toMatchObject({ code: "unavailable", message: expect.stringContaining("within 15000 ms") });
  await manual.advance(1999);
  expect(await isPending(waiting)).toBe(true);
  await manual.advance(1);
  expect(await waiting).toBe("unavailable");
});

test("HTTP queue throws unavailable when anything but queue-service answers", async () => {
  await using behind = memory();
  await using elsewhere = await openQueueServer(behind);
  const answers = [
    httpAnswer("200 OK", "<html>hello</html>", "text/html"),
    httpAnswer("400 Bad Request", "<html>no</html>", "text/html"),
    httpAnswer("404 Not Found", JSON.stringify({ detail: "no such route" })),
    httpAnswer(`307 Temporary Redirect\r\nLocation: ${elsewhere.url}/v1/acks`, ""),
    httpAnswer("500 Internal", JSON.stringify({ code: "internal", detail: "a defect" })),
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "no HTTP at all\r\n\r\n",
  ];
  for (const answer of answers) {
    await using server = await rawServer((socket) => socket.write(answer));
    await using queue = openHttpQueue({ url: server.url, token: null, clock });
    const published = queue.publish([batchOf(1, "a")], { producer: "a", epoch: 1 });
    const calls = [published, claim(queue), queue.stats(), queue.ack(["a"]), queue.deadLetters.list({ limit: 1 })];
    expect([answer, await Promise.all(calls.map(codeOf))]).toEqual([answer, calls.map(() => "unavailable")]);
  }
});

test("HTTP queue passes on code, message and retryAfterMs of the queue's errors, and hides defects", async () => {
  await using behind = memory();
  const failures = [
    new AppError("store unavailable", { code: "unavailable", retryAfterMs: 1234 }),
    new AppError("too many producers", { code: "overloaded", retryAfterMs: 250 }),
    new AppError("no such thing", { code: "invalid" }),
    new TypeError("a defect"),
  ];
  const failing = Object.assign(Object.create(behind), { openProducer: () => Promise.reject(failures.shift()) });
  await using server = await openQueueServer(failing);
  const next = () => server.client.openProducer("a").catch((error) => error);
  expect(await next()).toMatchObject({ code: "unavailable", message: "store unavailable", retryAfterMs: 1234 });
  expect(await next()).toMatchObject({ code: "overloaded", message: "too many producers", retryAfterMs: 250 });
  expect(await next()).toMatchObject({ code: "invalid", message: "no such thing" });
  const masked = await next();
  expect(masked.code).toBe("unavailable");
  expect(masked.message).not.toContain("a defect");
});

test("HTTP queue sends its token, and throws unavailable when it is wrong", async () => {
  await using behind = memory();
  await using server = await openQueueServer(behind, { token: "inner" });
  expect((await server.client.stats()).ready).toBe(0);
  await using stranger = openHttpQueue({ url: server.url, token: "outer", clock });
  const error = await stranger.stats().catch((error) => error);
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("INTERNAL_TOKEN") });
});

test("HTTP queue publishes up to MAX_CALL_BYTES in one call", async () => {
  await using behind = memory(2 * MAX_CALL_BYTES);
  await using server = await openQueueServer(behind);
  const { epoch } = await server.client.openProducer("a");
  const body = new Uint8Array(MAX_BATCH_BYTES).fill(7);
  const batches = [1, 2, 3, 4].map((seq) => ({ seq, body, readings: 1, position: "" }));
  expect(await server.client.publish(batches, { producer: "a", epoch })).toEqual({ kind: "accepted" });
  const more = batches.map((batch) => ({ ...batch, seq: batch.seq + 4 }));
  const call = server.client.publish([...more, batchOf(9, "a")], { producer: "a", epoch });
  expect(await codeOf(call)).toBe("too_large");
  await behind.publish(more, { producer: "a", epoch });
  const deliveries = await claim(server.client, { maxBytes: Number.MAX_SAFE_INTEGER });
  expect(deliveries.map(({ body }) => body.byteLength)).toEqual(batches.map(() => MAX_BATCH_BYTES));
});

test("HTTP queue of a stopping service ends waits with no deliveries and refuses later claims", async () => {
  await using behind = memory();
  const slow = held(behind);
  await using server = await openQueueServer(behind);
  await using busy = await openQueueServer(slow.queue);
  const waiting = claim(server.client, { waitMs: 30_000 });
  await server.client.stats();
  const stopped = server.stop();
  expect(await waiting).toEqual([]);
  await stopped;
  expect(await codeOf(claim(server.client))).toBe("unavailable");

  await (await openPublisher(behind)).publish("a");
  const underWay = claim(busy.client);
  await slow.claimed;
  const stopping = busy.stop();
  slow.goOn();
  expect(textsOf(await underWay)).toEqual(["a"]);
  await stopping;
});
