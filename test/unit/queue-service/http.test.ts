import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { decodeFrames, encodeFrames } from "../../../services/queue/http/frames.ts";
import { encodeBatches, MAX_BATCH_HEAD_BYTES, MAX_PUBLISH_HEAD_BYTES } from "../../../services/queue/http/wire.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { MAX_CALL_BYTES, MAX_HEAD_BYTES, MAX_REQUEST_BYTES } from "../../../services/queue/wire.ts";
import { batchOf, claim, openPublisher } from "../../conformance/queue/bench.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const memory = (maxBytes = 1024) => openMemoryQueue({ clock: new ManualClock(), maxBytes, maxDeliveries: 5 });
const posted = (type: string, body: BodyInit): RequestInit => ({
  method: "POST",
  headers: { "content-type": type },
  body,
});
const json = (body: unknown) => posted("application/json", JSON.stringify(body));
const frames = (body: BodyInit) => posted("application/octet-stream", body);

/** Sends a claim and returns a function that cuts its connection. */
function openClaim(url: string, body: object): () => void {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(body);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  const head = `POST /v1/claims HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`;
  socket.write(`${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  return () => socket.destroy();
}

describe("queue-service", () => {
  test("answers a publish with 201, a duplicate with 200, gap and fenced with 409, full with 429", async () => {
    await using behind = memory(4);
    await using server = await openQueueServer(behind);
    const older = await behind.openProducer("a");
    const { epoch } = await behind.openProducer("a");
    const publish = async (seq: number, text: string, life = epoch) => {
      const body = encodeBatches([batchOf(seq, text)], { producer: "a", epoch: life });
      const response = await fetch(`${server.url}/v1/batches`, frames(body));
      return [response.status, await response.json(), response.headers.get("retry-after")];
    };
    expect(await publish(1, "ab")).toEqual([201, { kind: "accepted" }, null]);
    expect(await publish(1, "ab")).toEqual([200, { kind: "duplicate" }, null]);
    expect(await publish(3, "c")).toEqual([409, { kind: "gap", last: 1 }, null]);
    expect(await publish(2, "c", older.epoch)).toEqual([409, { kind: "fenced" }, null]);
    expect(await publish(2, "cde")).toEqual([429, { kind: "full", retryAfterMs: 50 }, "1"]);
    expect((await publish(2, "cdefg"))[0]).toBe(413);
  });

  test("refuses a malformed request with 400 and the reason, and a body that is too large with 413", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind);
    const bad: readonly [path: string, init: RequestInit, says: RegExp][] = [
      ["/v1/claims", posted("application/json", "{"), /must be JSON/],
      ["/v1/claims", json({ max: "many" }), /max/],
      ["/v1/claims", json({ max: 0 }), /max must be .* got 0/],
      ["/v1/acks", json({ receipts: [1] }), /receipts/],
      ["/v1/nacks", json({ receipts: [], mode: { kind: "drop" } }), /mode/],
      ["/v1/extends", json({ receipts: [] }), /leaseMs/],
      ["/v1/producers", json({ producer: "" }), /producer/],
      ["/v1/batches", frames("no frames"), /frame/],
      ["/v1/batches", frames(encodeFrames({ producer: "a", epoch: 1, batches: [{}] }, [])), /seq/],
      [
        "/v1/batches",
        frames(encodeFrames({ producer: "a", epoch: 1, batches: [] }, [Buffer.of(1)])),
        /bodies must be 0, .* got 1/,
      ],
      ["/v1/dead-letters?limit=all", {}, /limit/],
      ["/v1/dead-letters?after=x", {}, /after/],
    ];
    for (const [path, init, says] of bad) {
      const response = await fetch(server.url + path, init);
      const problem = (await response.json()) as { code: string; detail: string };
      expect([path, response.status, problem.code]).toEqual([path, 400, "invalid"]);
      expect(problem.detail).toMatch(says);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
    const large = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
    });
    const declared = await fetch(
      `${server.url}/v1/batches`,
      frames(new Uint8Array(MAX_CALL_BYTES + MAX_HEAD_BYTES + 1)),
    );
    expect(declared.status).toBe(413);
    const streamed = await fetch(`${server.url}/v1/acks`, posted("application/json", large)).catch(() => undefined);
    expect(streamed === undefined || streamed.status === 413).toBe(true);
    expect((await fetch(`${server.url}/v1/nothing`)).status).toBe(404);
    expect((await fetch(`${server.url}/v1/claims/unknown`, { method: "DELETE" })).status).toBe(404);
  });

  test("refuses lists that are too long or have many bad items, with a short answer", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind);
    const many = <T>(item: T, count = 200_000) => Array.from({ length: count }, () => item);
    const head = { producer: "a", epoch: 1, batches: many({}) };
    const requests: readonly [path: string, init: RequestInit, says: RegExp | string][] = [
      ["/v1/acks", json({ receipts: many(1) }), /receipts: number of items must be .* 1,000, got 200000/],
      ["/v1/acks", json({ receipts: many(1, 1000) }), /receipts.0: must be a text, got number$/],
      ["/v1/acks", json({ receipts: "x" }), /receipts: must be a list of texts, got string$/],
      ["/v1/nacks", json({ receipts: many(1), mode: { kind: "release" } }), /receipts: number of items/],
      ["/v1/extends", json({ receipts: many(1), leaseMs: 1 }), /receipts: number of items/],
      ["/v1/producers", json({ producer: "a", inherit: many(1) }), /inherit: number of items/],
      ["/v1/dead-letters/purge", json({ ids: many(1) }), /ids: number of items/],
      ["/v1/dead-letters/redrive", json({ ids: many(1) }), /ids: number of items/],
      ["/v1/batches", frames(encodeFrames({ ...head, batches: many({}, 2000) }, [])), /must be .* 1,000, got 2000$/],
      [
        "/v1/batches",
        frames(encodeFrames(head, [])),
        `at most ${MAX_PUBLISH_HEAD_BYTES} bytes for 0 bodies, got 600038`,
      ],
      [
        "/v1/batches",
        frames(encodeFrames(head, [Buffer.of(1)])),
        `at most ${MAX_PUBLISH_HEAD_BYTES + MAX_BATCH_HEAD_BYTES} bytes for 1 body, got 600038`,
      ],
    ];
    for (const [path, init, says] of requests) {
      const response = await fetch(server.url + path, init);
      const text = await response.text();
      expect([path, response.status]).toEqual([path, 400]);
      expect(text.length).toBeLessThan(1000);
      expect((JSON.parse(text) as { detail: string }).detail).toMatch(says);
    }
    for (const path of ["/v1/acks", "/v1/nacks", "/v1/extends", "/v1/claims", "/v1/dead-letters/purge"]) {
      const response = await fetch(server.url + path, json({ padding: "x".repeat(MAX_REQUEST_BYTES) }));
      expect([path, response.status]).toEqual([path, 413]);
    }
  });

  test("answers a claim without fields, with its own lease", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind);
    await (await openPublisher(behind)).publish("a", "b");
    const response = await fetch(`${server.url}/v1/claims`, json({}));
    const { head, bodies } = decodeFrames(new Uint8Array(await response.arrayBuffer()));
    expect(head).toMatchObject({ deliveries: [{ seq: 1, attempt: 1, leaseMs: 30_000 }] });
    expect(bodies.map((body) => new TextDecoder().decode(body))).toEqual(["a"]);
  });

  test("ends the wait of a claim whose connection is cut, and delivers nothing to it", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind);
    const cut = openClaim(server.url, { waitMs: 60_000 });
    await eventually(async () => (await server.waiting()) === 1, { what: "the claim waits" });
    cut();
    await eventually(async () => (await server.waiting()) === 0, { what: "no claim waits" });
    await (await openPublisher(behind)).publish("a");
    expect(await behind.stats()).toMatchObject({ ready: 1, leased: 0, counters: { claimed: 0 } });
  });

  test("ends the wait of a claim on DELETE", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind);
    const waiting = fetch(`${server.url}/v1/claims`, json({ id: "mine", waitMs: 60_000 }));
    await eventually(async () => (await server.waiting()) === 1, { what: "the claim waits" });
    expect((await fetch(`${server.url}/v1/claims`, json({ id: "mine", waitMs: 60_000 }))).status).toBe(400);
    expect((await fetch(`${server.url}/v1/claims/mine`, { method: "DELETE" })).status).toBe(204);
    const response = await waiting;
    expect(response.status).toBe(200);
    expect(decodeFrames(new Uint8Array(await response.arrayBuffer()))).toEqual({
      head: { deliveries: [] },
      bodies: [],
    });
  });

  test("releases deliveries when the connection is cut before the answer", async () => {
    await using behind = memory();
    const claimed = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow: Queue = Object.assign(Object.create(behind), {
      nack: behind.nack.bind(behind),
      async claim(request: Parameters<Queue["claim"]>[0]) {
        const deliveries = await behind.claim(request);
        claimed.resolve();
        await eventually(() => request.signal?.aborted, { what: "the service sees the cut" });
        await goOn.promise;
        return deliveries;
      },
    });
    await using server = await openQueueServer(slow);
    await (await openPublisher(behind)).publish("a");
    const cut = openClaim(server.url, {});
    await claimed.promise;
    expect((await behind.stats()).leased).toBe(1);
    cut();
    goOn.resolve();
    await eventually(async () => (await behind.stats()).leased === 0, { what: "nothing is leased" });
    expect((await claim(behind)).map(({ attempt }) => attempt)).toEqual([1]);
  });

  test("requires the token for everything but its probes", async () => {
    await using behind = memory();
    await using server = await openQueueServer(behind, { token: "inner" });
    const ask = async (path: string, authorization?: string) =>
      (await fetch(server.url + path, { headers: authorization === undefined ? {} : { authorization } })).status;
    for (const path of ["/v1/stats", "/metrics", "/graphql?query={queues{dead}}", "/nowhere"]) {
      expect([path, await ask(path), await ask(path, "Bearer outer")]).toEqual([path, 401, 401]);
    }
    for (const path of ["/v1/stats", "/metrics", "/graphql?query={queues{dead}}"]) {
      expect([path, await ask(path, "Bearer inner")]).toEqual([path, 200]);
    }
    expect([await ask("/healthz"), await ask("/readyz")]).toEqual([200, 200]);
  });

  test("reports the queue's figures, and queue_up 0 while the queue is unavailable", async () => {
    await using behind = memory();
    let isDown = false;
    const shaky: Queue = Object.assign(Object.create(behind), {
      stats: () => (isDown ? Promise.reject(new Error("connection refused")) : behind.stats()),
    });
    await using server = await openQueueServer(shaky);
    await (await openPublisher(behind)).publish("abc", "d");
    await claim(behind, { max: 1 });
    const scrape = async () => (await fetch(`${server.url}/metrics`)).text();
    const figures = {
      queue_depth: 1,
      queue_inflight: 1,
      queue_delayed: 0,
      queue_dlq_depth: 0,
      queue_bytes: 4,
      queue_oldest_age_seconds: 0,
      queue_orphans: 0,
      queue_published_total: 2,
      queue_readings_total: 4,
      queue_claimed_total: 1,
      queue_acked_total: 0,
      queue_up: 1,
    };
    const first = await scrape();
    for (const [name, value] of Object.entries(figures)) expect(first).toContain(`\ngpu_telemetry_${name} ${value}\n`);
    expect((await scrape()).match(/queue_published_total \d+/)?.[0]).toBe("queue_published_total 2");
    isDown = true;
    const old = await scrape();
    expect(old).toContain("\ngpu_telemetry_queue_up 0\n");
    expect(old).toContain("\ngpu_telemetry_queue_depth 1\n");
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "not ready", dependencies: { queue: "connection refused" } },
    ]);
  });
});
