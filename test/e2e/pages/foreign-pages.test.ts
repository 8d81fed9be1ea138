import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { encodeBatches } from "../../../services/queue/http/wire.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { batchOf, claimOne, openPublisher } from "../../conformance/queue/bench.ts";
import { openApi } from "../../support/api/api.ts";
import { openTelemetry } from "../../support/api/subgraph.ts";
import { openBrowser } from "../../support/pages/browser.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

/** A name of the attacker that resolves to this machine, as it does after DNS rebinding. */
const REBOUND = "evil.example";
const browser = await openBrowser("pages of other origins", { [REBOUND]: "127.0.0.1" });

/** Sends a request that needs no preflight; its answer cannot be read, only its effect seen. */
const postFrom = (page: Page, url: string, body: string | readonly number[]): Promise<void> =>
  page.evaluate(
    async ([target, sent]) => {
      const bytes = typeof sent === "string" ? sent : new Uint8Array(sent);
      await fetch(target, { method: "POST", mode: "no-cors", body: bytes });
    },
    [url, body] as const,
  );

/** The first result of an operation over WebSocket; null when there is none. */
const socketFrom = (page: Page, url: string, query: string): Promise<unknown> =>
  page.evaluate(
    ([address, operation]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address, "graphql-transport-ws");
        socket.onopen = () => socket.send('{"type":"connection_init"}');
        socket.onclose = () => resolve(null);
        socket.onmessage = ({ data }) => {
          const { type, payload } = JSON.parse(data);
          if (type === "next") resolve(payload);
          if (type === "connection_ack")
            socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: operation } }));
        };
      }),
    [url.replace("http", "ws"), query] as const,
  );

if (browser !== null) {
  /** A page of the attacker's own server. Its site is another one, because `localhost` is not `127.0.0.1`. */
  async function openForeignPage() {
    const site = Bun.serve({
      port: 0,
      hostname: "localhost",
      fetch: () => new Response("<title>a page</title>", { headers: { "content-type": "text/html" } }),
    });
    const page = await browser!.newPage();
    await page.goto(`http://localhost:${site.port}/`);
    return {
      page,
      [Symbol.asyncDispose]: async () => {
        await page.close();
        await site.stop(true);
      },
    };
  }

  async function openQueue() {
    const behind = openMemoryQueue({ clock: new ManualClock(), maxBytes: 1024, maxDeliveries: 5 });
    const publisher = await openPublisher(behind, "csv@0/1");
    await publisher.publish("a");
    const { receipt } = await claimOne(behind);
    await behind.nack([receipt], { kind: "reject", reason: "broken" });
    const server = await openQueueServer(behind);
    return {
      behind,
      publisher,
      url: server.url,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await behind[Symbol.asyncDispose]();
      },
    };
  }

  describe("a page of another origin", () => {
    test("cannot purge dead letters of queue-service, forge a publish, or use its WebSocket", async () => {
      await using queue = await openQueue();
      await using foreign = await openForeignPage();
      const forged = encodeBatches([batchOf(2, "forged")], { producer: "csv@0/1", epoch: queue.publisher.epoch });
      await postFrom(foreign.page, `${queue.url}/v1/dead-letters/purge`, "{}");
      await postFrom(foreign.page, `${queue.url}/v1/batches`, [...forged]);
      const read = await socketFrom(foreign.page, `${queue.url}/graphql`, "subscription { queues { name dead } }");
      const { ready, dead } = await queue.behind.stats();
      expect({ ready, dead, read }).toEqual({ ready: 0, dead: 1, read: null });
    });

    test("cannot read readings over the WebSocket of a subgraph", async () => {
      await using telemetry = await openTelemetry();
      await using foreign = await openForeignPage();
      const query = "subscription { readings { readings { hostname value } } }";
      expect(await socketFrom(foreign.page, telemetry.url, query)).toBeNull();
    });
  });

  describe("a page whose name resolves to this machine", () => {
    /** Returns the answer of the server under that name, as scripts of the page's origin can read it. */
    async function readAs(url: string, path: string): Promise<{ status: number; text: string }> {
      const page = await browser!.newPage();
      try {
        const answer = await page.goto(`http://${REBOUND}:${new URL(url).port}${path}`);
        return { status: answer!.status(), text: await answer!.text() };
      } finally {
        await page.close();
      }
    }

    test("cannot read queue-service", async () => {
      await using queue = await openQueue();
      expect(await readAs(queue.url, "/v1/stats")).toMatchObject({ status: 421 });
    });

    test("cannot read the API of a server that listens on the network, as in the image", async () => {
      await using api = await openApi({ config: { host: "0.0.0.0" } });
      const { status, text } = await readAs(api.url, "/api/v1/gpus");
      expect([status, JSON.parse(text).detail]).toEqual([421, expect.stringContaining("ALLOWED_HOSTS")]);
    });
  });
}
