/** queue-service as a process on both runtimes, over a real Redis, with clients that disconnect. */
import { afterAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { batchOf, claim, codeOf, openPublisher, receiptsOf, textsOf } from "../../conformance/queue/bench.ts";
import { addressOf, onRuntime, type Program, startProgram } from "../../support/programs/process.ts";
import { haveRedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

/** Waits until the metrics of the process report this number of waiting claims. */
const waits = async (url: string, count: number) => {
  const waiting = async () => (await (await fetch(`${url}/metrics`)).text()).match(/queue_claims_waiting (\d+)/)?.[1];
  await eventually(async () => (await waiting()) === String(count), { what: `${count} waiting claims` });
};

/** Sends a claim that waits for 60 s, on its own connection. */
function openClaim(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  const text = JSON.stringify({ waitMs: 60_000 });
  const head = `POST /v1/claims HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`;
  socket.write(`${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  return socket;
}

const settle = async (queue: Queue) => {
  const deliveries = await claim(queue);
  await queue.ack(receiptsOf(deliveries));
  return textsOf(deliveries);
};

describe.skipIf(!haveRedisServer())("queue-service", async () => {
  if (!haveRedisServer()) return;
  const redis = await startRedisServer({ args: ["--appendfsync", "always"] });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function start(runtime: "bun" | "deno") {
    const env = { REDIS_ADDR: redis.address, PORT: "0", QUEUE_PARTITIONS: "2", QUEUE_LEASE: "7s" };
    const program: Program = startProgram(onRuntime(runtime, "services/queue-service/main.ts"), env);
    const url = await addressOf(program);
    const client = openHttpQueue({ url, token: null, clock: systemClock });
    return {
      program,
      url,
      client,
      [Symbol.asyncDispose]: async () => {
        await client[Symbol.asyncDispose]();
        await program[Symbol.asyncDispose]();
      },
    };
  }

  for (const runtime of ["bun", "deno"] as const) {
    test(`on ${runtime}: a replica delivers what another one accepted, and SIGTERM answers waiting claims and exits with 0`, async () => {
      await using a = await start(runtime);
      await using b = await start(runtime);
      const publisher = await openPublisher(a.client, `${runtime}@0/1`);
      const waiting = claim(b.client, { waitMs: 60_000 });
      await waits(b.url, 1);
      expect(await publisher.publish("one", "two")).toEqual({ kind: "accepted" });
      const first = await waiting;
      const all = [...first, ...(first.length < 2 ? await claim(b.client) : [])];
      expect(textsOf(all)).toEqual(["one", "two"]);
      expect(await a.client.ack(receiptsOf(all))).toEqual([true, true]);

      const idle = claim(a.client, { waitMs: 60_000 });
      await waits(a.url, 1);
      a.program.kill("SIGTERM");
      expect(await idle).toEqual([]);
      expect(await a.program.exited).toBe(0);
      expect(await codeOf(a.client.stats())).toBe("unavailable");
      expect((await b.client.openProducer(`${runtime}@0/1`)).seq).toBe(2);
    }, 60_000);

    test(`on ${runtime}: a client that disconnected or cancelled its claim gets no lease`, async () => {
      await using service = await start(runtime);
      const { client, url } = service;
      const publisher = await openPublisher(client, `${runtime}@0/2`);
      const cut = openClaim(url);
      await waits(url, 1);
      cut.destroy();
      await waits(url, 0);
      const leaving = new AbortController();
      const left = claim(client, { waitMs: 60_000, signal: leaving.signal });
      await waits(url, 1);
      leaving.abort();
      expect(await left).toEqual([]);
      await publisher.publish("kept");
      expect(await client.stats()).toMatchObject({ ready: 1, leased: 0 });
      expect(await settle(client)).toEqual(["kept"]);
    }, 60_000);
  }

  test("keeps accepted batches when it is killed, and answers a repeated publish with duplicate", async () => {
    await using first = await start("bun");
    const { epoch } = await first.client.openProducer("killed");
    const from = { producer: "killed", epoch };
    expect(await first.client.publish([batchOf(1, "a"), batchOf(2, "b")], from)).toEqual({ kind: "accepted" });
    const waiting = codeOf(first.client.claim({ max: 1, maxBytes: 1, leaseMs: 1, waitMs: 60_000 }));
    first.program.kill("SIGKILL");
    await waiting;
    expect(await codeOf(first.client.publish([batchOf(3, "c")], from))).toBe("unavailable");
    await using second = await start("bun");
    expect(await second.client.publish([batchOf(2, "b")], from)).toEqual({ kind: "duplicate" });
    expect(await second.client.publish([batchOf(3, "c")], from)).toEqual({ kind: "accepted" });
  }, 60_000);

  test("is not ready and answers unavailable while Redis is down, and recovers", async () => {
    await using service = await start("bun");
    const { client, url } = service;
    const ready = async () => (await fetch(`${url}/readyz`)).status;
    expect(await ready()).toBe(200);
    await redis.kill();
    await eventually(async () => (await ready()) === 503, { what: "not ready" });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await codeOf(client.stats())).toBe("unavailable");
    expect(await codeOf(claim(client, { waitMs: 1000 }))).toBe("unavailable");
    await redis.start();
    await eventually(async () => (await ready()) === 200, { what: "ready again" });
    expect((await client.openProducer("back")).seq).toBe(0);
  }, 60_000);
});
