/** Names that every object of JavaScript has, wherever a request can carry one; and queries that turn in circles. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { openApi } from "../../support/api/api.ts";
import { uuidOf } from "../../support/api/fleet.ts";
import { TRANSPORTS } from "../../support/api/transports.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];
const inherited = Object.getOwnPropertyNames(Object.prototype);
/** JSON text, because an object literal would set its prototype. */
const holding = (name: string, value: unknown) => `{${JSON.stringify(name)}:${JSON.stringify(value)}}`;

let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited);
});

const post = async (body: string) => {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const response = await api.get("/graphql", init);
  return { status: response.status, text: await response.text() };
};

describe("names that objects have already", () => {
  test("as REST parameters are refused, and as values find nothing", async () => {
    for (const name of NAMES) {
      for (const path of ["/api/v1/gpus", `/api/v1/gpus/${uuidOf(0)}/telemetry`]) {
        for (const parameter of [name, `${name}[limit]`, `limit[${name}]`]) {
          const { status } = await api.get(`${path}?${encodeURIComponent(parameter)}=1`);
          expect([path, parameter, status]).toEqual([path, parameter, 400]);
        }
      }
      for (const filter of ["hostname", "namespace", "model"]) {
        expect(await (await api.get(`/api/v1/gpus?${filter}=${name}`)).json()).toMatchObject({
          gpus: [],
          total: 0,
          notes: [expect.stringContaining(JSON.stringify(name))],
        });
      }
      const readings = await api.get(`/api/v1/gpus/${uuidOf(0)}/telemetry?metric=${name}`);
      expect([name, readings.status]).toEqual([name, 400]);
      expect(await readings.json()).toMatchObject({ detail: expect.stringContaining(JSON.stringify(name)) });
      expect((await api.get(`/api/v1/gpus/${name}`)).status).toBe(400);
      for (const path of [`/${name}`, `/start/${name}`, `/swagger/${name}`, `/api/v1/${name}`]) {
        expect([path, (await api.get(path)).status]).toEqual([path, 404]);
      }
    }
  });

  test("as members and variables of an operation add nothing to it", async () => {
    const query = "query ($limit: Int = 2) { gpus(limit: $limit) { total gpus { uuid } } }";
    const { text: expected } = await post(JSON.stringify({ query }));
    expect(JSON.parse(expected).data.gpus.gpus).toHaveLength(2);
    for (const name of NAMES) {
      for (const value of [{ limit: 1 }, { query: "{ hosts { gpus } }" }, 1, null, ["limit"]]) {
        const variables = await post(`{"query":${JSON.stringify(query)},"variables":${holding(name, value)}}`);
        expect([name, value, variables]).toEqual([name, value, { status: 200, text: expected }]);
        const extensions = await post(`{"query":${JSON.stringify(query)},"extensions":${holding(name, value)}}`);
        expect([name, value, extensions]).toEqual([name, value, { status: 200, text: expected }]);
        const alone = await post(holding(name, { query, value }));
        expect([name, value, alone.status]).toEqual([name, value, 400]);
      }
      const filter = await post(
        `{"query":"query ($f: ReadingFilter) { __typename }","variables":{"f":${holding(name, { hosts: ["x"] })}}}`,
      );
      expect([name, filter.text]).toEqual([name, expect.stringContaining('"errors"')]);
    }
  });

  test("in requests to queue-service name nothing, and set no field", async () => {
    await using behind = openMemoryQueue({ clock: new ManualClock(), maxBytes: 1024, maxDeliveries: 5 });
    await using server = await openQueueServer(behind);
    const send = async (path: string, body: string) => {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body };
      const response = await fetch(server.url + path, init);
      return [response.status, response.headers.get("content-type")?.includes("json") ? await response.json() : null];
    };
    for (const name of NAMES) {
      const list = JSON.stringify([name]);
      expect(await send("/v1/acks", `{"receipts":${list}}`)).toEqual([200, { results: [false] }]);
      expect(await send("/v1/extends", `{"receipts":${list},"leaseMs":1000}`)).toEqual([200, { results: [false] }]);
      expect(await send("/v1/dead-letters/redrive", `{"ids":${list}}`)).toEqual([200, { count: 0 }]);
      expect(await send("/v1/dead-letters/purge", `{"ids":${list}}`)).toEqual([200, { count: 0 }]);
      expect((await send("/v1/claims", `{"id":"${name}"}`))[0]).toBe(200);
      expect((await send("/v1/claims", holding(name, { max: 0 })))[0]).toBe(200);
      expect((await send("/v1/acks", holding(name, { receipts: [] })))[0]).toBe(400);
      expect((await fetch(`${server.url}/v1/claims/${name}`, { method: "DELETE" })).status).toBe(404);
      expect(await send("/v1/producers", `{"producer":"${name}","inherit":${list}}`)).toMatchObject([200, { seq: 0 }]);
      expect(
        await behind.publish([{ seq: 1, body: Buffer.of(1), readings: 1, position: name }], {
          producer: name,
          epoch: 1,
        }),
      ).toEqual({ kind: "accepted" });
      expect(await send("/v1/producers", `{"producer":"${name}"}`)).toMatchObject([
        200,
        { epoch: 2, seq: 1, position: name },
      ]);
    }
  });
});

describe("queries that turn in circles are refused over every transport", () => {
  const long = (count: number, part: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => part(n)).join(" ");
  const cases: readonly [what: string, query: string, refusal: RegExp][] = [
    ["a fragment in itself", "{ hosts { ...F } } fragment F on Host { ...F }", /itself|cycle|circular/i],
    [
      "fragments in each other",
      "{ hosts { ...A } } fragment A on Host { ...B } fragment B on Host { gpus ...A }",
      /itself|cycle|circular/i,
    ],
    [
      "a long ring of fragments",
      `{ hosts { ...F0 } } ${long(40, (n) => `fragment F${n} on Host { ...F${(n + 1) % 40} }`)}`,
      /itself|depth limit/,
    ],
    [
      "a fragment that no one uses",
      "{ hosts { gpus } } fragment F on Host { ...F }",
      /itself|cycle|circular|never used/i,
    ],
    [
      "introspection in circles",
      `{ __schema { types { ${"fields { type { ".repeat(8)} name ${"} }".repeat(8)} } } }`,
      /introspection depth/,
    ],
    [
      "directives behind a fragment",
      `{ hosts { ...F } } fragment F on Host { gpus ${"@skip(if: false) ".repeat(60)} }`,
      /Directives limit|not repeatable|only be used once/i,
    ],
    ["a list of operations", '[{"query":"{ __typename }"}]', /Syntax Error/],
  ];
  for (const [name, ask] of Object.entries(TRANSPORTS)) {
    for (const [what, query, refusal] of cases) {
      test(`${what}: ${name}`, async () => {
        const answer = await ask(api.url, query);
        expect(answer).toMatch(refusal);
        expect(answer).not.toContain('"data":{');
      });
    }
  }
});
