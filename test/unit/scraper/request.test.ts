import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Credentials } from "../../../services/scraper/config.ts";
import { type RequestSettings, requestMetrics } from "../../../services/scraper/scrape/request.ts";

const TEXT = 'a{b="c"} 1\n';
const MIB = 1024 * 1024;
let server: Server;
let base = "";
let folder = "";
let seen: IncomingHttpHeaders = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scrape-"));
  server = createServer((request, response) => {
    seen = request.headers;
    switch (request.url) {
      case "/text":
        return response.end(TEXT);
      case "/gzip":
        return response.setHeader("content-encoding", "gzip").end(gzipSync(TEXT));
      case "/bomb":
        return response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(64 * MIB)));
      case "/openmetrics":
        return response.setHeader("content-type", "application/openmetrics-text; version=1.0.0").end(`${TEXT}# EOF\n`);
      case "/short":
        response.setHeader("content-length", "1000").write(TEXT);
        return response.socket?.end();
      case "/slow":
        return response.write(TEXT);
      case "/hang":
        return;
      default:
        response.statusCode = 404;
        return response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const TLS = { caFile: undefined, certificateFile: undefined, keyFile: undefined, isInsecure: false };
const SETTINGS: RequestSettings = { timeoutMs: 5000, maxBytes: MIB, credentials: { kind: "none" }, tls: TLS };
const ask = (path: string, settings: Partial<RequestSettings> = {}) =>
  requestMetrics(base + path, { ...SETTINGS, ...settings }, new AbortController().signal);

test("requestMetrics() returns the text, compressed or not, and its format", async () => {
  expect(await ask("/text")).toEqual({ ok: true, value: { text: TEXT, format: "text" } });
  expect(seen["x-prometheus-scrape-timeout-seconds"]).toBe("5");
  expect(await ask("/gzip")).toEqual({ ok: true, value: { text: TEXT, format: "text" } });
  expect(await ask("/openmetrics")).toMatchObject({ ok: true, value: { format: "openmetrics" } });
});

test("requestMetrics() refuses a body that is too large once it is decompressed", async () => {
  expect(await ask("/bomb")).toMatchObject({ ok: false, error: expect.stringContaining("SCRAPE_MAX_BYTES") });
});

test("requestMetrics() refuses other answers", async () => {
  expect(await ask("/none")).toEqual({ ok: false, error: "answer must have status 200, got 404" });
  expect((await ask("/short")).ok).toBe(false);
  expect((await requestMetrics("http://127.0.0.1:1/", SETTINGS, new AbortController().signal)).ok).toBe(false);
});

for (const path of ["/hang", "/slow"]) {
  test(`requestMetrics() gives up on ${path} after its timeout`, async () => {
    expect(await ask(path, { timeoutMs: 100 })).toEqual({
      ok: false,
      error: "answer must arrive within 100ms (SCRAPE_TIMEOUT)",
    });
  });
}

test("requestMetrics() reads passwords and tokens again for each request", async () => {
  const path = join(folder, "secret");
  const header = async (credentials: Credentials) => {
    await ask("/text", { credentials });
    return seen.authorization;
  };
  await writeFile(path, "one\n");
  expect(await header({ kind: "bearer", tokenFile: path })).toBe("Bearer one");
  await writeFile(path, "two\n");
  expect(await header({ kind: "bearer", tokenFile: path })).toBe("Bearer two");
  expect(await header({ kind: "basic", username: "u", passwordFile: path })).toBe(`Basic ${btoa("u:two")}`);
});
