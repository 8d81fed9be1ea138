import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { parse } from "csv-parse/sync";
import { AppError } from "../../../schema/model/errors.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import type { ListedStore } from "../../support/api/listed-store.ts";
import { serveApiOn } from "../../support/api/served-api.ts";
import { eventually } from "../../support/time/eventually.ts";
import { settled } from "../../support/time/settled.ts";

const CSV = { headers: { accept: "text/csv" } };
const NDJSON = { headers: { accept: "application/x-ndjson" } };
const NVLINK = 'DCGM_FI_PROF_NVLINK_TX_BYTES{NVLINK="3",NOTE="a, \\"b\\""}' as Series;
const telemetry = `/api/v1/gpus/${uuidOf(1)}/telemetry`;

interface Line {
  readonly gpu_uuid: string;
  readonly metric_name: string;
  readonly value: number;
  readonly timestamp: string;
}
const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Makes the list endless: each page has a next one. */
function endless(store: ListedStore): void {
  const { readings } = store;
  store.readings = async (gpu, window, query) => {
    const page = await readings.call(store, gpu, window, { ...query, after: undefined });
    return { ...page, next: { at: START - store.calls.readings, series: UTIL } };
  };
}

for (const [wiring, open] of Object.entries({ "in this process": openApi, "over the wire": openRemoteApi })) {
  describe(`with subgraphs ${wiring}`, () => {
    test("CSV and NDJSON hold the same readings as JSON: without a limit, the whole window", async () => {
      await using api = await open({ gpus: 3, ticks: 3100 });
      api.store.stored.push({ gpu: uuidOf(1), series: NVLINK, at: START + 500, value: 1e21 });
      const pages: unknown[] = [];
      let after: string | null = null;
      do {
        const page = await (await api.get(`${telemetry}?limit=10000${after === null ? "" : `&after=${after}`}`)).json();
        for (const reading of page.telemetry) pages.push({ gpu_uuid: page.gpu_uuid, ...reading });
        after = page.next;
      } while (after !== null);
      expect(pages).toHaveLength(6201);

      const ndjson = await api.get(telemetry, NDJSON);
      expect(ndjson.headers.get("content-type")).toBe("application/x-ndjson");
      expect(linesOf(await ndjson.text())).toEqual(pages as Line[]);

      const csv = await api.get(telemetry, CSV);
      expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
      expect(csv.headers.get("vary")).toBe("Accept, Accept-Encoding");
      const text = await csv.text();
      expect(text).toStartWith("gpu_uuid,metric_name,value,timestamp\r\n");
      expect(text.split("\r\n")).toHaveLength(6201 + 2);
      const records: Record<string, string>[] = parse(text, { columns: true });
      expect(records.map(({ value, ...record }) => ({ ...record, value: Number(value) }))).toEqual(pages as []);
    });

    test("a stream has each reading once, and none that arrives after its start", async () => {
      await using api = await open({ gpus: 2, ticks: 4000 });
      let calls = 0;
      api.store.before = async () => {
        calls++;
        api.store.stored.push({ gpu: uuidOf(1), series: UTIL, at: START + (10_000 + calls) * 1000, value: 1 });
      };
      const lines = linesOf(await (await api.get(telemetry, NDJSON)).text());
      expect(calls).toBeGreaterThan(3);
      expect(lines).toHaveLength(8000 + 1);
      expect(new Set(lines.map(({ metric_name, timestamp }) => `${metric_name} ${timestamp}`)).size).toBe(8001);
    });

    test("a failure after the first page cuts the connection; before it, the answer is a problem", async () => {
      await using api = await open({ gpus: 2, ticks: 4000 });
      let calls = 0;
      api.store.before = async () => {
        if (++calls === 3) throw new AppError("The store is unavailable", { code: "unavailable" });
      };
      for (const coding of ["identity", "gzip", "zstd"]) {
        calls = 0;
        const whole = async () =>
          (await api.get(telemetry, { headers: { ...CSV.headers, "accept-encoding": coding } })).text();
        expect([coding, await whole().catch(({ code }) => code)]).toEqual([coding, "ECONNRESET"]);
      }
      calls = 2;
      const refused = await api.get(telemetry, CSV);
      expect([refused.status, refused.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
      expect((await api.get(telemetry, CSV)).status).toBe(200);
    });

    test("no page is read while the client reads nothing, or after it has left", async () => {
      await using api = await open({ gpus: 2, ticks: 500 });
      endless(api.store);
      const pages = () => api.store.calls.readings;
      const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
      let taken = 0;
      socket.on("data", ({ length }) => {
        taken += length;
      });
      await once(socket, "connect");
      socket.write(`GET ${telemetry} HTTP/1.1\r\nhost: localhost\r\naccept: text/csv\r\n\r\n`);
      await eventually(() => taken > 3_000_000, { what: "some megabytes" });
      socket.pause();
      const stopped = await settled(pages);
      const before = taken;
      socket.resume();
      await eventually(() => pages() > stopped && taken > before + 6_000_000, { what: "more pages" });
      socket.destroy();
      await settled(pages);
    }, 60_000);
  });
}

test("an export with a limit is one page, with an ETag and a link to the next page", async () => {
  await using api = await openApi({ gpus: 2, ticks: 10 });
  const seen: Line[] = [];
  let path: string | undefined = `${telemetry}?limit=7&metric=${UTIL}&end_time=2025-07-20T10:00:08Z`;
  while (path !== undefined) {
    const answer: Response = await api.get(path, NDJSON);
    expect(answer.headers.get("etag")).toStartWith('W/"');
    seen.push(...linesOf(await answer.text()));
    const next: string | undefined = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
    path = next === undefined ? undefined : telemetry + next;
  }
  expect(seen.map(({ timestamp }) => timestamp)).toEqual(
    Array.from({ length: 9 }, (_, back) => `2025-07-20T10:00:0${8 - back}Z`),
  );
});

test("GPUs are exported as rows", async () => {
  await using api = await openApi({ gpus: 24 });
  const { gpus } = await (await api.get("/api/v1/gpus")).json();
  expect(linesOf(await (await api.get("/api/v1/gpus", NDJSON)).text())).toEqual(gpus);
  const text = await (await api.get("/api/v1/gpus?namespace=research", CSV)).text();
  const [head, first] = text.split("\r\n");
  expect(head).toBe("uuid,device_id,gpu_index,model_name,hostname,container,pod,namespace,holders,last_seen");
  expect(first).toBe(
    `${uuidOf(0)},nvidia0,0,NVIDIA H100 80GB HBM3,host-000,main,train-0,research,research/train-0/main,2025-07-20T10:00:04Z`,
  );
  const unheld = await (await api.get("/api/v1/gpus?hostname=host-001", CSV)).text();
  expect(unheld).toContain(`${uuidOf(17)},nvidia1,1,NVIDIA A100,host-001,,,,,2025-07-20T10:00:04Z\r\n`);
});

test("an export that fails is answered with the same problem as JSON", async () => {
  await using api = await openApi();
  for (const [path, status] of [
    [`/api/v1/gpus/${uuidOf(99)}/telemetry`, 404],
    [`${telemetry}?start_time=yesterday`, 400],
    [`${telemetry}?limit=0`, 400],
    [`${telemetry}?limit=10001`, 400],
  ] as const) {
    const [csv, json] = await Promise.all([api.get(path, CSV), api.get(path)]);
    expect([path, csv.status, await csv.json()]).toEqual([path, status, await json.json()]);
    expect(csv.headers.get("content-type")).toBe("application/problem+json");
  }
  // A known GPU without a reading in the window.
  const empty = await api.get(`${telemetry}?end_time=2000-01-01T00:00:00Z`, CSV);
  expect(await empty.text()).toBe("gpu_uuid,metric_name,value,timestamp\r\n");
  const head = await api.get(telemetry, { method: "HEAD", ...CSV });
  expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/csv; charset=utf-8; header=present"]);
  // The length of a stream is unknown.
  expect(head.headers.get("content-length")).toBeNull();
});

test("a 33rd stream is refused, and a 17th of one client; each stream frees its place when it ends", async () => {
  await using api = await openApi({ gpus: 2, ticks: 1300, config: { trustedProxies: 1 } });
  const streamOf = (client: number) =>
    api.get(telemetry, { headers: { ...CSV.headers, "x-forwarded-for": `192.0.2.${client}` } });
  // Half of the places for one client, and three for each of the others.
  const clientOf = (place: number) => (place < 16 ? 0 : 1 + Math.floor((place - 16) / 3));
  const places = () => Promise.all(Array.from({ length: 32 }, (_, place) => streamOf(clientOf(place))));
  let stopped = 0;
  api.store.beforeNext = async (signal) => {
    await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
    stopped++;
  };
  const open = await places();
  expect(open.map(({ status }) => status)).toEqual(Array(32).fill(200));
  const refused = await streamOf(9);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
  expect(await refused.text()).toContain("All 32 streams of lists are in use");
  await open.pop()?.body?.cancel();
  await eventually(() => stopped === 1, { what: "a free place" });
  const greedy = await streamOf(0);
  expect([greedy.status, await greedy.text()]).toEqual([429, expect.stringContaining("more than 3 of 32 streams")]);
  for (const answer of open) await answer.body?.cancel();
  await eventually(() => stopped === 32, { what: "all store calls to stop" });
  api.store.beforeNext = async () => {};
  for (const answer of await places())
    expect([answer.status, (await answer.text()).endsWith("\r\n")]).toEqual([200, true]);
});

test("a stream on Deno is complete in each coding, and HEAD has no length", async () => {
  await using api = await serveApiOn("deno", { gpus: 2, ticks: 3000 });
  for (const coding of ["identity", "gzip", "zstd"]) {
    const headers = { ...NDJSON.headers, "accept-encoding": coding };
    const answer = await fetch(api.url + telemetry, { headers });
    expect(answer.headers.get("content-encoding")).toBe(coding === "identity" ? null : coding);
    const lines = linesOf(await answer.text());
    expect([coding, lines.length, lines.at(-1)?.timestamp]).toEqual([coding, 6000, "2025-07-20T10:00:00Z"]);
    const head = await fetch(api.url + telemetry, { method: "HEAD", headers });
    expect([head.headers.get("content-type"), head.headers.get("content-length")]).toEqual([
      "application/x-ndjson",
      null,
    ]);
  }
});
