import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { openApi } from "../../support/api/api.ts";
import { type Contract, openContract } from "../../support/api/contract.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";

let api: Awaited<ReturnType<typeof openApi>>;
let contract: Contract;
beforeAll(async () => {
  api = await openApi({ gpus: 24, ticks: 5 });
  contract = await openContract(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const GPU = `/api/v1/gpus/${uuidOf(3)}`;
/** The answer as sent, not decompressed. */
const getPacked = (path: string, coding: string, init: RequestInit = {}) => {
  const packed: BunFetchRequestInit = { ...init, headers: { "accept-encoding": coding }, decompress: false };
  return api.get(path, packed);
};

test("HEAD answers like GET without the body, but with its length", async () => {
  const paths = [
    "/api/v1/gpus",
    GPU,
    `${GPU}/telemetry?limit=5`,
    "/api/v1/gpus?limit=0",
    "/nowhere",
    "/health",
    "/readyz",
    "/openapi.json",
    "/",
  ];
  for (const coding of ["identity", "gzip"]) {
    for (const path of paths) {
      const [get, head] = await Promise.all([getPacked(path, coding), getPacked(path, coding, { method: "HEAD" })]);
      expect(await head.text()).toBe("");
      const headers = (answer: Response) => [...answer.headers].filter(([name]) => name !== "date").sort();
      expect([path, head.status, headers(head)]).toEqual([path, get.status, headers(get)]);
      expect(Number(get.headers.get("content-length"))).toBe((await get.arrayBuffer()).byteLength);
    }
  }
});

describe("If-None-Match", () => {
  const window = `${GPU}/telemetry?start_time=2025-07-20T10:00:00Z&end_time=2025-07-20T10:00:03Z`;
  const known = (etag: string) => ({ headers: { "if-none-match": etag } });

  test("is answered with 304 until the answer changes", async () => {
    await using own = await openApi();
    const path = `/api/v1/gpus/${uuidOf(2)}/telemetry?end_time=2025-07-20T10:00:03Z`;
    const first = await own.get(path);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"[\w-]+"$/);
    expect(first.headers.get("cache-control")).toBe("no-cache");
    const second = await own.get(path, known(`"other", ${etag}`));
    expect([second.status, await second.text()]).toEqual([304, ""]);
    for (const name of ["etag", "cache-control", "vary"]) {
      expect([name, second.headers.get(name)]).toEqual([name, first.headers.get(name)]);
    }
    // The first reading is after the window, the second in it.
    own.store.stored.push({ gpu: uuidOf(2), series: UTIL, at: START + 4000, value: 1 });
    expect((await own.get(path, known(etag))).status).toBe(304);
    own.store.stored.push({ gpu: uuidOf(2), series: UTIL, at: START + 2500, value: 1 });
    const third = await own.get(path, known(etag));
    expect(third.status).toBe(200);
    expect(third.headers.get("etag")).not.toBe(etag);
  });

  test("matches any form of the tag, which is the same for all codings", async () => {
    const etags = new Set<string | null>();
    for (const coding of ["identity", "gzip", "zstd"]) {
      const { headers } = await api.get(window, { headers: { "accept-encoding": coding } });
      etags.add(headers.get("etag"));
    }
    expect(etags.size).toBe(1);
    const [etag = ""] = [...etags];
    for (const path of ["/api/v1/gpus", GPU, window]) expect((await api.get(path, known("*"))).status).toBe(304);
    expect((await api.get(window, known((etag ?? "").replace("W/", "")))).status).toBe(304);
    expect((await api.get(GPU, known(etag ?? ""))).status).toBe(200);
    expect((await api.get(`/api/v1/gpus/${uuidOf(999)}`, known("*"))).status).toBe(404);
  });
});

test("an answer of more than 1 KiB is compressed if the client accepts it", async () => {
  const packed = async (path: string, coding: string) => {
    const answer = await getPacked(path, coding);
    expect(answer.headers.get("vary")).toContain("Accept-Encoding");
    return { coding: answer.headers.get("content-encoding"), bytes: new Uint8Array(await answer.arrayBuffer()) };
  };
  const plain = await packed("/api/v1/gpus", "identity");
  expect(plain.coding).toBeNull();
  const zipped = await packed("/api/v1/gpus", "br, gzip");
  expect(zipped.coding).toBe("gzip");
  expect(Buffer.from(gunzipSync(zipped.bytes))).toEqual(Buffer.from(plain.bytes));
  const zstd = await packed("/api/v1/gpus", "gzip, zstd");
  expect(zstd.coding).toBe("zstd");
  expect(zstdDecompressSync(zstd.bytes)).toEqual(Buffer.from(plain.bytes));
  expect(zstd.bytes.length * 4).toBeLessThan(plain.bytes.length);
  expect((await packed(GPU, "gzip")).coding).toBeNull();
});

test("Accept chooses the form; without a match, 406 names the forms", async () => {
  for (const accept of ["application/json", "*/*", "text/html, */*;q=0.8", "application/*, text/csv;q=0.9", ""]) {
    const { headers } = await api.get("/api/v1/gpus", { headers: { accept } });
    expect([accept, headers.get("content-type")]).toEqual([accept, "application/json"]);
    expect(headers.get("vary")).toBe("Accept, Accept-Encoding");
  }
  for (const [path, accept, ...offered] of [
    ["/api/v1/gpus", "text/html", "application/json", "text/csv", "application/x-ndjson"],
    ["/api/v1/gpus", "application/json;q=0", "application/json"],
    [GPU, "text/csv", "application/json"],
  ] as const) {
    const answer = await api.get(path, { headers: { accept } });
    const text = await answer.text();
    contract.check(path, answer, text);
    expect([path, answer.status, answer.headers.get("vary")]).toEqual([path, 406, "Accept"]);
    for (const media of offered) expect(text).toContain(media);
  }
});
