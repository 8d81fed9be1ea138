/** API_TOKEN and ADMIN_TOKEN over every transport: a caller without the very token reads and changes nothing. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { openApi } from "../../support/api/api.ts";
import { fillQueue } from "../../support/api/pipeline-api.ts";
import { serveApiOn } from "../../support/api/served-api.ts";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";

setDefaultTimeout(60_000);
const READER = "reader-s3cret";
const ADMIN = "admin-s3cret";
const QUERY = "{ gpus { total } }";
const FRAMES = "subscription { readings { missed } }";
const CHANGE = "mutation { purgeDeadLetters }";
/** Values of `Authorization` that a server with these tokens rejects. */
const WRONG: readonly (string | undefined)[] = [
  undefined,
  "",
  "Bearer",
  READER,
  `Basic ${btoa(`:${READER}`)}`,
  `Bearer ${READER.slice(0, -1)}`,
  `Bearer ${READER}x`,
  `Bearer ${READER.toUpperCase()}`,
  `Bearer "${READER}"`,
  `Bearer ${READER}, Bearer ${READER}`,
  `Bearer Bearer ${READER}`,
  "Bearer null",
  "Bearer *",
];

type Send = (url: string, authorization: string | undefined) => Promise<string>;

const given = (authorization: string | undefined) => (authorization === undefined ? {} : { authorization });
const byGet = (query: string) => `/graphql?query=${encodeURIComponent(query)}`;

/** Returns the status and the first bytes of the answer, and leaves. */
async function firstOf(url: string, headers: Record<string, string>, query?: string): Promise<string> {
  const leave = new AbortController();
  const body = query === undefined ? undefined : JSON.stringify({ query });
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: "POST", body }),
    headers: { "content-type": "application/json", ...headers },
    signal: leave.signal,
  });
  const reader = response.body?.getReader();
  let text = "";
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    text += new TextDecoder().decode(part.value);
    if (text.includes('"data"')) break;
  }
  leave.abort();
  return `${response.status} ${text}`;
}

/** Returns the first message after the acknowledgement, or the code that closed the socket. */
async function overSocket(url: string, query: string, init: object | null): Promise<string> {
  const { socket, told, closed, send } = await openRawSocket(url, { init });
  let code: number | null = null;
  closed.then((with_) => {
    code = with_;
  });
  send(subscribeMessage("1", query));
  const answer = () => told.find(({ type }) => type === "next" || type === "error");
  await eventually(() => code !== null || answer() !== undefined, { what: "an answer or a closed socket" });
  socket.terminate();
  return answer() === undefined ? `closed ${code}` : JSON.stringify(answer());
}

const EVENTS = { accept: "text/event-stream" };
const READS: Readonly<Record<string, readonly [send: Send, answer: RegExp, refusal: RegExp]>> = {
  REST: [(url, token) => firstOf(`${url}/api/v1/gpus`, given(token)), /^200 .*"total":3/, /^401 /],
  "REST as CSV": [
    (url, token) => firstOf(`${url}/api/v1/gpus`, { accept: "text/csv", ...given(token) }),
    /^200 uuid,/,
    /^401 /,
  ],
  metrics: [(url, token) => firstOf(`${url}/metrics`, given(token)), /^200 /, /^401 /],
  "GraphQL by POST": [(url, token) => firstOf(`${url}/graphql`, given(token), QUERY), /^200 .*"total":3/, /^401 /],
  "GraphQL by GET": [(url, token) => firstOf(url + byGet(QUERY), given(token)), /^200 .*"total":3/, /^401 /],
  "a multipart answer": [
    (url, token) =>
      firstOf(
        `${url}/graphql`,
        { accept: "multipart/mixed", ...given(token) },
        `query { ...on Query @defer { gpus { total } } }`,
      ),
    /^200 /,
    /^401 /,
  ],
  "SSE by GET": [
    (url, token) => firstOf(url + byGet(FRAMES), { ...EVENTS, ...given(token) }),
    /^200 .*"missed"/s,
    /^401 /,
  ],
  "SSE by POST": [
    (url, token) => firstOf(`${url}/graphql`, { ...EVENTS, ...given(token) }, FRAMES),
    /^200 .*"missed"/s,
    /^401 /,
  ],
  "a query over WebSocket": [(url, token) => overSocket(url, QUERY, given(token)), /"total":3/, /^closed 4403$/],
  "a subscription over WebSocket": [(url, token) => overSocket(url, FRAMES, given(token)), /"missed"/, /^closed 4403$/],
};

for (const runtime of ["bun", "deno"] as const) {
  describe(`API_TOKEN on ${runtime}`, () => {
    let api: Awaited<ReturnType<typeof serveApiOn>>;
    beforeAll(async () => {
      api = await serveApiOn(runtime, { config: { apiToken: READER, adminToken: ADMIN } });
    });
    afterAll(() => api[Symbol.asyncDispose]());

    for (const [what, [send, answer, refusal]] of Object.entries(READS)) {
      test(`is required by ${what}, in this form alone`, async () => {
        for (const token of [READER, ADMIN]) expect(await send(api.url, `Bearer ${token}`)).toMatch(answer);
        expect(await send(api.url, `bEARER ${READER}`)).toMatch(answer);
        for (const wrong of WRONG)
          expect([wrong, await send(api.url, wrong)]).toEqual([wrong, expect.stringMatching(refusal)]);
      });
    }

    test("is not read from anywhere else", async () => {
      const right = `Bearer ${READER}`;
      const encoded = encodeURIComponent(right);
      for (const name of ["authorization", "access_token", "token", "api_token"]) {
        for (const value of [encoded, READER]) {
          expect(await firstOf(`${api.url}/api/v1/gpus?${name}=${value}`, {})).toMatch(/^401 /);
          expect(await firstOf(`${api.url}${byGet(QUERY)}&${name}=${value}`, {})).toMatch(/^401 /);
        }
      }
      const headers = ["cookie", "x-api-token", "x-authorization", "proxy-authorization", "x-forwarded-authorization"];
      for (const name of headers) expect(await firstOf(`${api.url}/api/v1/gpus`, { [name]: right })).toMatch(/^401 /);
      const params = [
        null,
        { headers: { authorization: right } },
        { authorization: [right] },
        { authorization: { toString: right } },
        { authorization: true },
        { AUTHORIZATION: right },
        { token: READER },
        { ["__proto__"]: { authorization: right } },
        { authorization: "", Authorization: right },
      ];
      for (const init of params) {
        expect([init, await overSocket(api.url, QUERY, init)]).toEqual([init, expect.stringMatching(/^closed 44/)]);
      }
    });
  });
}

describe("ADMIN_TOKEN", () => {
  let api: Awaited<ReturnType<typeof openApi>>;
  beforeAll(async () => {
    api = await openApi({ config: { adminToken: ADMIN } });
    await fillQueue(api.queue, ["a"], 1);
  });
  afterAll(() => api[Symbol.asyncDispose]());

  test("is required by mutations over every transport, and API_TOKEN's absence opens reads alone", async () => {
    for (const wrong of [...WRONG, `Bearer ${READER}`, `Bearer ${ADMIN}x`, `Bearer ${ADMIN.slice(1)}`]) {
      const answers = [
        await firstOf(`${api.url}/graphql`, given(wrong), CHANGE),
        await firstOf(`${api.url}/graphql`, { ...EVENTS, ...given(wrong) }, CHANGE),
        await firstOf(`${api.url}/graphql`, { accept: "multipart/mixed", ...given(wrong) }, CHANGE),
        await overSocket(api.url, CHANGE, given(wrong)),
      ];
      for (const answer of answers)
        expect([wrong, answer]).toEqual([wrong, expect.not.stringContaining('"purgeDeadLetters":')]);
      expect([wrong, await overSocket(api.url, QUERY, given(wrong))]).toEqual([
        wrong,
        expect.stringContaining('"total":3'),
      ]);
    }
    const right = `Bearer ${ADMIN}`;
    for (const accept of ["application/json", "text/event-stream", "multipart/mixed"]) {
      expect(await firstOf(`${api.url}${byGet(CHANGE)}`, { accept, ...given(right) })).toMatch(/^40[56] /);
    }
    expect((await api.queue.stats()).dead).toBe(1);
    expect(await firstOf(`${api.url}/graphql`, given(right), CHANGE)).toContain('"purgeDeadLetters":1');
  });
});
