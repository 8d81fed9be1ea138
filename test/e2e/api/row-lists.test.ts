import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { TEMP, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { postGraphql } from "../../support/api/graphql-answer.ts";
import { mergeParts, openParts } from "../../support/api/parts.ts";
import { TRANSPORTS } from "../../support/api/transports.ts";

const READING = "metricName value timestamp";
const LONG = `telemetry(limit: 50) { count next telemetry { ${READING} } }`;

/** Queries whose lists are long enough to be kept out of the execution. */
const QUERIES: Readonly<Record<string, string>> = {
  "a list of many GPUs": `{ gpus { total gpus { uuid hostname ${LONG} latest { ${READING} } } } }`,
  "a list of one GPU": `{ gpuTelemetry(uuid: "${uuidOf(1)}", limit: 40) { gpuUuid count telemetry { ${READING} } } }`,
  "fields in another order": `{ gpu(uuid: "${uuidOf(1)}") { telemetry(limit: 30) { telemetry { timestamp value metricName } } } }`,
  "one field": `{ gpu(uuid: "${uuidOf(1)}") { telemetry(limit: 30) { telemetry { value } } } }`,
  "the name of the type alone": `{ gpu(uuid: "${uuidOf(1)}") { telemetry(limit: 30) { telemetry { __typename } } } }`,
  "aliases, and a field twice": `{ gpu(uuid: "${uuidOf(1)}") { t: telemetry(limit: 30) { rows: telemetry { a: value b: value at: timestamp __typename } } } }`,
  "fragments that overlap": `{ gpus { gpus { ...A ...B } } }
    fragment A on Gpu { ${LONG} } fragment B on Gpu { uuid telemetry(limit: 50) { telemetry { timestamp ...R } } } fragment R on Reading { value }`,
  "lists with different arguments": `{ gpus { gpus {
    util: telemetry(limit: 20, metrics: ["${UTIL}"]) { telemetry { value } }
    temp: telemetry(limit: 20, metrics: ["${TEMP}"]) { telemetry { value timestamp } } } } }`,
  "short and empty lists": `{ gpus { gpus { telemetry(limit: 2) { telemetry { ${READING} } }
    none: telemetry(limit: 50, endTime: "2001-01-01T00:00:00Z") { telemetry { ${READING} } } } } }`,
  "a GPU twice": `{ gpusByUuid(uuids: ["${uuidOf(1)}", "${uuidOf(2)}", "${uuidOf(1)}"]) { uuid ${LONG} } }`,
  "errors beside lists": `{ gpu(uuid: "${uuidOf(1)}") { ${LONG} bad: telemetry(limit: 0) { count } } }`,
  conditions: `query($no: Boolean = false) { gpu(uuid: "${uuidOf(1)}") { telemetry(limit: 30) { telemetry { value metricName @include(if: $no) timestamp @skip(if: $no) } } } }`,
};

for (const [wiring, open] of [
  ["in the same process", openApi],
  ["over the wire", openRemoteApi],
] as const) {
  describe(`long lists of rows, subgraphs ${wiring}`, () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    beforeAll(async () => {
      api = await open({ gpus: 5, ticks: 40 });
    });
    afterAll(() => api[Symbol.asyncDispose]());

    for (const [name, query] of Object.entries(QUERIES)) {
      test(`${name}: every transport has the same answer, without marks`, async () => {
        const text = (await TRANSPORTS.POST?.(api.url, query)) ?? "";
        const answer = JSON.parse(text);
        expect(answer.data).toBeTruthy();
        expect(text).not.toMatch(/[\da-f]{12}:\d/);
        const parts = (await TRANSPORTS["multipart answers"]?.(api.url, query)) ?? "";
        const [, length, part = ""] = /Content-Length: (\d+)\r\n\r\n(\{.*\})\r\n/s.exec(parts) ?? [];
        expect([part, Number(length)]).toEqual([text, Buffer.byteLength(text)]);
        expect(await TRANSPORTS["SSE by GET"]?.(api.url, query)).toContain(`data: ${text}\n`);
        expect(JSON.parse((await TRANSPORTS.WebSocket?.(api.url, query)) ?? "")).toEqual(answer);
      });
    }

    test("rows have the values that REST has, whatever fields are asked for, in whatever order", async () => {
      const rest = await (await api.get(`/api/v1/gpus/${uuidOf(1)}/telemetry?limit=30`)).json();
      type Row = { metric_name: string; value: number; timestamp: string };
      const rows: Row[] = rest.telemetry;
      expect(rows).toHaveLength(30);
      const cases: [fields: string, of: (row: Row) => object][] = [
        [READING, ({ metric_name: metricName, value, timestamp }) => ({ metricName, value, timestamp })],
        ["timestamp value", ({ value, timestamp }) => ({ timestamp, value })],
        ["a: value __typename b: value", ({ value }) => ({ a: value, __typename: "Reading", b: value })],
        ["__typename", () => ({ __typename: "Reading" })],
        ["... on Reading { value } value", ({ value }) => ({ value })],
      ];
      for (const [fields, of] of cases) {
        const query = `{ gpu(uuid: "${uuidOf(1)}") { telemetry(limit: 30) { telemetry { ${fields} } } } }`;
        const { telemetry } = JSON.parse((await TRANSPORTS.POST?.(api.url, query)) ?? "").data.gpu;
        expect(JSON.stringify(telemetry.telemetry)).toBe(JSON.stringify(rows.map(of)));
      }
    });

    test("deferred fragments have their rows", async () => {
      const query = `{ gpus { gpus { uuid ... @defer { ${LONG} } } } }`;
      await using parts = await openParts(api.url, { query });
      const { data } = mergeParts(await parts.rest());
      expect(data).toEqual((await api.graphql(query)).data);
    });

    test("a label that looks like a mark stays a label", async () => {
      const mark = "00000000-0000-4000-8000-000000000000:0:0:1";
      api.store.known.push({ ...(api.store.known[0] as (typeof api.store.known)[0]), uuid: uuidOf(99), host: mark });
      const { data } = await api.graphql(`{ gpu(uuid: "${uuidOf(99)}") { hostname } }`);
      expect(data.gpu.hostname).toBe(mark);
    });
  });
}

test("a subgraph keeps its lists out of the text only for a caller that takes them", async () => {
  await using api = await openRemoteApi({ gpus: 1, ticks: 20 });
  const url = `http://${api.links.telemetry.address}/graphql`;
  const body = JSON.stringify({ query: `{ gpuTelemetry(uuid: "${uuidOf(0)}") { telemetry { value } } }` });
  const prefix = "0123456789abcdef:0";
  const taken = await postGraphql(url, body, { headers: { "row-lists": prefix } });
  const [fields, text, list, ...rest] = (await taken.text()).split("\n");
  expect(taken.headers.get("content-type")).toBe("application/vnd.gpu-telemetry.row-lists");
  expect(JSON.parse(fields ?? "")).toEqual([[["value", { column: 1 }]]]);
  expect(JSON.parse(text ?? "").data.gpuTelemetry.telemetry).toEqual([{ value: `${prefix}:0:1` }]);
  expect([JSON.parse(list ?? "").length, rest]).toEqual([40, [""]]);
  for (const headers of [{}, { "row-lists": "no prefix" }] as Record<string, string>[]) {
    const plain = await postGraphql(url, body, { headers });
    expect((await plain.json()).data.gpuTelemetry.telemetry).toEqual(JSON.parse(list ?? ""));
  }
});
