import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { METRICS } from "../../../schema/model/metric.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { openApi } from "../../support/api/api.ts";
import { type Contract, openContract } from "../../support/api/contract.ts";
import { fillFleet, START, TEMP, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { eventually } from "../../support/time/eventually.ts";

let api: Awaited<ReturnType<typeof openApi>>;
let contract: Contract;
beforeAll(async () => {
  api = await openApi({ gpus: 24, ticks: 5 });
  contract = await openContract(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const GPU = `/api/v1/gpus/${uuidOf(3)}`;
const ask = async (path: string, init?: RequestInit) => {
  const response = await api.get(path, init);
  const body = contract.check(path, response, await response.text());
  return { status: response.status, body, headers: response.headers };
};

describe("GET /api/v1/gpus", () => {
  test("lists all GPUs by host, then by index as a number; unknown facts are null", async () => {
    const { status, body } = await ask("/api/v1/gpus");
    expect(status).toBe(200);
    expect(body.total).toBe(24);
    expect(body.next).toBeNull();
    expect(body.gpus.map((gpu: { uuid: string }) => gpu.uuid)).toEqual(Array.from({ length: 24 }, (_, n) => uuidOf(n)));
    expect(body.gpus[1]).toEqual({
      uuid: uuidOf(1),
      device_id: "nvidia1",
      gpu_index: "1",
      model_name: "NVIDIA H100 80GB HBM3",
      hostname: "host-000",
      container: null,
      pod: null,
      namespace: null,
      holders: [],
      last_seen: "2025-07-20T10:00:04Z",
    });
  });

  test("filters by hostname, namespace and model together; total counts the matches", async () => {
    const query = new URLSearchParams({
      hostname: "host-001",
      namespace: "research",
      model: "NVIDIA A100",
      limit: "1",
    });
    const { body } = await ask(`/api/v1/gpus?${query}`);
    expect(body.gpus).toHaveLength(1);
    expect(body.total).toBe(4);
  });

  test("returns each GPU once over all pages", async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { body } = await ask(`/api/v1/gpus?limit=7${after === null ? "" : `&after=${after}`}`);
      seen.push(...body.gpus.map((gpu: { uuid: string }) => gpu.uuid));
      after = body.next;
    } while (after !== null);
    expect(seen).toEqual(Array.from({ length: 24 }, (_, n) => uuidOf(n)));
  });
});

describe("GET /api/v1/gpus/{uuid}", () => {
  test("returns facts and times", async () => {
    const { status, body } = await ask(GPU);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      uuid: uuidOf(3),
      driver_version: "535.129.03",
      first_seen: "2025-07-20T10:00:00Z",
      last_seen: "2025-07-20T10:00:04Z",
    });
  });

  test("accepts hex digits in any case, and the slashes of the older MIG form, encoded or not", async () => {
    const { body } = await ask(`/api/v1/gpus/${uuidOf(10).replace(/a$/, "A")}`);
    expect(body.uuid).toBe(uuidOf(10));
    const mig = `MIG-${uuidOf(3)}/1/0`;
    for (const path of [mig, encodeURIComponent(mig), `${mig}/telemetry`]) {
      const { status, body } = await ask(`/api/v1/gpus/${path}`);
      expect(status).toBe(404);
      expect(body.detail).toContain(mig);
    }
  });
});

describe("GET /api/v1/gpus/{uuid}/telemetry", () => {
  test("returns the newest reading first; readings of the same time are ordered by series", async () => {
    const { status, body } = await ask(`${GPU}/telemetry`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ gpu_uuid: uuidOf(3), count: 10, next: null });
    expect(body.telemetry.slice(0, 3)).toEqual([
      { metric_name: TEMP, value: 34.5, timestamp: "2025-07-20T10:00:04Z" },
      { metric_name: UTIL, value: 7, timestamp: "2025-07-20T10:00:04Z" },
      { metric_name: TEMP, value: 33.5, timestamp: "2025-07-20T10:00:03Z" },
    ]);
  });

  test("includes both bounds, in any zone", async () => {
    const from = "2025-07-20T12:00:01%2B02:00";
    const { body } = await ask(`${GPU}/telemetry?start_time=${from}&end_time=2025-07-20T10:00:02Z&metric=${UTIL}`);
    expect(body.telemetry.map((reading: { timestamp: string }) => reading.timestamp)).toEqual([
      "2025-07-20T10:00:02Z",
      "2025-07-20T10:00:01Z",
    ]);
  });

  test("takes times as seconds since the epoch, and relative to now", async () => {
    const seconds = START / 1000;
    const { body } = await ask(`${GPU}/telemetry?start_time=${seconds + 3}&end_time=${seconds + 3.5}&metric=${UTIL}`);
    expect(body.telemetry.map(({ timestamp }: { timestamp: string }) => timestamp)).toEqual(["2025-07-20T10:00:03Z"]);
    expect((await ask(`${GPU}/telemetry?start_time=now-1h&end_time=now`)).body.count).toBe(0);
  });

  test("accepts more than twenty metrics", async () => {
    const many = Object.keys(METRICS)
      .slice(0, 60)
      .map((name) => `metric=${name}`)
      .join("&");
    expect((await ask(`${GPU}/telemetry?${many}`)).body.count).toBe(10);
  });

  test("returns each old reading once over all pages, while new ones arrive", async () => {
    const seen: string[] = [];
    let after: string | null = null;
    let arrived = 100;
    do {
      const { body } = await ask(`${GPU}/telemetry?limit=3${after === null ? "" : `&after=${after}`}`);
      for (const { timestamp, metric_name } of body.telemetry) seen.push(`${timestamp} ${metric_name}`);
      after = body.next;
      api.store.stored.push({ gpu: uuidOf(3), series: UTIL, at: START + arrived++ * 1000, value: 1 });
    } while (after !== null);
    const old = [4, 3, 2, 1, 0].flatMap((tick) =>
      [TEMP, UTIL].map((series) => `${formatTimestamp(START + tick * 1000)} ${series}`),
    );
    expect(seen).toEqual(old);
  });

  test("writes fractions of a second with three digits", async () => {
    const gpu = uuidOf(5);
    api.store.stored.push({ gpu, series: UTIL, at: START + 90_120, value: 1 });
    const { body } = await ask(`/api/v1/gpus/${gpu}/telemetry?limit=1`);
    expect(body.telemetry[0].timestamp).toBe("2025-07-20T10:01:30.120Z");
  });
});

describe("bad requests", () => {
  const T = `${GPU}/telemetry`;
  const cases: [what: string, path: string, status: number, ...detail: string[]][] = [
    ["a malformed uuid", "/api/v1/gpus/gpu-1", 400, '"gpu-1"', "GPU-xxxxxxxx"],
    ["a uuid of another prefix", GPU.replace("GPU", "CPU"), 400, "GPU-xxxxxxxx"],
    ["a uuid with spaces", `/api/v1/gpus/%20${uuidOf(3)}`, 400, "GPU-xxxxxxxx"],
    ["a uuid of broken escapes", "/api/v1/gpus/%E0%A4%A", 400, "%E0%A4%A"],
    ["a malformed uuid asked for telemetry", "/api/v1/gpus/x/telemetry", 400, '"x"'],
    ["an unknown uuid", `/api/v1/gpus/${uuidOf(999)}`, 404, uuidOf(999)],
    ["an unknown uuid asked for telemetry", `/api/v1/gpus/${uuidOf(999)}/telemetry`, 404, uuidOf(999)],
    ["a malformed time", `${T}?start_time=yesterday`, 400, "start_time", '"yesterday"', "RFC 3339"],
    ["a time without zone", `${T}?end_time=2025-07-20T10:00:00`, 400, "end_time", "with a zone"],
    ["a day that does not exist", `${T}?end_time=2025-02-30T10:00:00Z`, 400, "end_time", "2025-02-30"],
    ["a zone with an unescaped plus", `${T}?end_time=2025-07-20T10:00:00+02:00`, 400, "end_time", "%2B"],
    [
      "a window that runs backwards",
      `${T}?start_time=2025-07-21T00:00:00Z&end_time=2025-07-20T00:00:00Z`,
      400,
      "start_time",
      "2025-07-21",
      "2025-07-20",
    ],
    ["limit 0", `${T}?limit=0`, 400, "limit must be a whole number from 1 to 10,000, got 0"],
    ["limit -1", `${T}?limit=-1`, 400, "limit must be a whole number from 1 to 10,000, got -1"],
    ["limit 10,001", `${T}?limit=10001`, 400, "limit must be a whole number from 1 to 10,000, got 10001"],
    ["a limit beyond any number", `${T}?limit=99999999999999999999`, 400, "limit", "1 to 10,000"],
    ["a limit in words", `${T}?limit=abc`, 400, 'limit must be a whole number from 1 to 10,000, got "abc"'],
    ["a limit with a fraction", `${T}?limit=1.5`, 400, 'limit must be a whole number from 1 to 10,000, got "1.5"'],
    ["an empty limit", `${T}?limit=`, 400, 'limit must be a whole number from 1 to 10,000, got ""'],
    ["limit 0 of GPUs", "/api/v1/gpus?limit=0", 400, "limit must be a whole number from 1 to 10,000, got 0"],
    [
      "limit 10,001 of GPUs",
      "/api/v1/gpus?limit=10001",
      400,
      "limit must be a whole number from 1 to 10,000, got 10001",
    ],
    ["an empty filter", "/api/v1/gpus?hostname=", 400, "hostname must be text"],
    ["an unknown parameter", `${T}?hostname=host-000`, 400, '"hostname"', "start_time, end_time, metric, limit, after"],
    ["a parameter on a path that has none", `${GPU}?limit=1`, 400, '"limit"', "must be left out"],
    ["a nested parameter", "/api/v1/gpus?hostname[x]=1", 400, '"hostname[x]"'],
    ["a parameter given twice", "/api/v1/gpus?limit=1&limit=2", 400, "limit must be given once, got 2 values"],
    ["a malformed cursor", `${T}?after=%25`, 400, "after"],
    ["a cursor of another list", `/api/v1/gpus?after=${btoa(JSON.stringify([1, "x"]))}`, 400, "after", "previous page"],
    ["a list of too many metrics", `${T}?${"metric=a&".repeat(201)}limit=1`, 400, "metric must", "at most 200"],
    ["an unknown path", "/api/v1/hosts", 404, "/api/v1/hosts"],
    ["an unknown path below a GPU", `${GPU}/nothing`, 404, "nothing"],
    ["SOFA's webhook path", "/api/v1/webhook", 404, "/api/v1/webhook"],
  ];
  for (const [what, path, status, ...detail] of cases) {
    test(`${what} is answered with ${status} and the reason`, async () => {
      const answer = await ask(path);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body.status).toBe(status);
      for (const text of detail) expect(answer.body.detail).toContain(text);
    });
  }

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    test(`${method} is answered with 405 and Allow`, async () => {
      const { status, headers } = await ask("/api/v1/gpus", { method });
      expect(status).toBe(405);
      expect(headers.get("allow")).toBe("GET, HEAD");
    });
  }

  test("POST to SOFA's webhook path is answered with 404", async () => {
    const body = JSON.stringify({ subscription: "x", url: `${api.url}/health` });
    expect((await ask("/api/v1/webhook", { method: "POST", body })).status).toBe(404);
  });
});

test("a new GPU is in the list a moment later; a failure is not cached", async () => {
  await using fresh = await openApi({ gpus: 2 });
  const total = async () => (await (await fresh.get("/api/v1/gpus")).json()).total;
  fresh.store.before = async () => {
    throw new Error("away");
  };
  expect((await fresh.get("/api/v1/gpus")).status).toBe(500);
  fresh.store.before = async () => {};
  const before = fresh.store.calls.gpus;
  expect(await Promise.all(Array.from({ length: 10 }, total))).toEqual(Array(10).fill(2));
  expect(fresh.store.calls.gpus).toBeGreaterThan(before);
  fillFleet(fresh.store, { gpus: 1, ticks: 1 });
  await eventually(async () => (await total()) === 3, { what: "the third GPU" });
});
