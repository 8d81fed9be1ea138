/** Targets from an address that a server in this test answers. */
import { expect, test } from "bun:test";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { HttpTargets } from "../../../services/scraper/targets/http-targets.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const NO_TLS = { caFile: undefined, certificateFile: undefined, keyFile: undefined, isInsecure: false };
const JSON_TYPE = "application/json";

type Answer = Parameters<RequestListener>[1];

/** Follows the list; each call of `answered` lets it look once, and returns what it then knows. */
async function follow() {
  let seen: IncomingHttpHeaders = {};
  let reply = (answer: Answer): void => void answer.writeHead(404).end();
  const server = createServer((request, answer) => {
    seen = request.headers;
    reply(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const source = new HttpTargets({
    url: `http://127.0.0.1:${port}/gpus?key=secret`,
    intervalMs: 60_000,
    tls: NO_TLS,
  });
  const stop = new AbortController();
  let looks = 0;
  let ended: Promise<void> | undefined;
  return {
    source,
    clock,
    headers: () => seen,
    async answered(next: (answer: Answer) => void, waitMs = 60_000) {
      reply = next;
      const before = looks;
      if (ended === undefined) {
        ended = source.follow({ clock, changed: () => void looks++, signal: stop.signal });
      } else clock.advance(waitMs);
      await eventually(() => looks > before, { what: "another look at the list" });
      return { urls: source.targets.map(({ url }) => url), problem: source.problem, failures: source.failures };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}

const json =
  (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  (answer: Answer): void =>
    void answer.writeHead(200, { "content-type": JSON_TYPE, ...headers }).end(body);

test("HttpTargets asks as Prometheus does, and reads plain and compressed lists", async () => {
  await using list = await follow();
  const first = await list.answered(json('[{"targets":["a:1"],"labels":{"rack":"7","__meta_x":"1"}}]'));
  expect(first).toEqual({ urls: ["http://a:1/metrics"], problem: undefined, failures: 0 });
  expect(list.source.targets[0]?.labels.get("rack")).toBe("7");
  expect(list.headers()).toMatchObject({ accept: JSON_TYPE, "x-prometheus-refresh-interval-seconds": "60" });
  expect(list.source.name).not.toContain("secret");
  const zipped = json(gzipSync('[{"targets":["b:1"]}]'), {
    "content-encoding": "gzip",
    "content-type": `${JSON_TYPE}; charset=utf-8`,
  });
  expect((await list.answered(zipped)).urls).toEqual(["http://b:1/metrics"]);
  expect((await list.answered(json("[]"))).urls).toEqual([]);
});

test("HttpTargets keeps the last good list on errors, counts them, and recovers", async () => {
  await using list = await follow();
  await list.answered(json('[{"targets":["a:1"]}]'));
  const wrong: Record<string, (answer: Answer) => void> = {
    "status 200, got 500": (answer) => answer.writeHead(500).end("[]"),
    'application/json, got "text/html"': json("[]", { "content-type": "text/html" }),
    "list must be JSON": json('[{"targets":'),
    "list must be an array": json("{}"),
    "[0].targets[0]": json('[{"targets":["a b"]}]'),
    "at most 16777216 bytes": json(gzipSync(Buffer.alloc(17 * 1024 * 1024, 0x20)), { "content-encoding": "gzip" }),
    "got a connection that closed": (answer) => {
      answer.writeHead(200, { "content-type": JSON_TYPE, "content-length": "100" }).write("[");
      answer.socket?.end();
    },
  };
  let failures = 0;
  for (const [problem, answer] of Object.entries(wrong)) {
    const known = await list.answered(answer);
    expect(known).toMatchObject({ urls: ["http://a:1/metrics"], failures: ++failures });
    expect(known.problem).toBeString();
    if (!problem.includes("closed")) expect(known.problem).toContain(problem);
  }
  expect(await list.answered(json("[]"))).toEqual({ urls: [], problem: undefined, failures });
});

test("HttpTargets asks again sooner until it has its first list", async () => {
  await using list = await follow();
  const failing = (answer: Answer) => void answer.writeHead(503).end();
  await list.answered(failing);
  await list.answered(failing, 5000);
  expect((await list.answered(json('[{"targets":["a:1"]}]'), 5000)).urls).toEqual(["http://a:1/metrics"]);
});
