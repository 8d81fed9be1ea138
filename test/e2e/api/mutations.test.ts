import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { claim } from "../../conformance/queue/bench.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { ask, askOverSocket, fillQueue } from "../../support/api/pipeline-api.ts";

const ADMIN = { adminToken: "admin" };
let api: Awaited<ReturnType<typeof openApi>>;
afterEach(() => api[Symbol.asyncDispose]());

const idsOf = async (): Promise<string[]> =>
  (await ask(api, "{ deadLetters { letters { id } } }")).data.deadLetters.letters.map(({ id }: { id: string }) => id);

describe("mutations without ADMIN_TOKEN", () => {
  beforeEach(async () => {
    api = await openApi();
  });

  test("are refused with any token", async () => {
    await fillQueue(api.queue, ["a"], 1);
    const mutation = "mutation { purgeDeadLetters }";
    const answers = [
      await ask(api, mutation),
      await ask(api, mutation, { token: "" }),
      await ask(api, mutation, { token: "null" }),
      await askOverSocket(api, mutation),
      await askOverSocket(api, mutation, "Bearer null"),
    ];
    for (const { data, errors } of answers) {
      expect(data ?? null).toBeNull();
      expect(errors?.[0]).toMatchObject({
        message: "Mutations are disabled: set ADMIN_TOKEN to allow them to callers that send it",
        extensions: { code: "FORBIDDEN" },
      });
    }
    expect((await api.queue.stats()).dead).toBe(1);
  });
});

describe("mutations with ADMIN_TOKEN", () => {
  beforeEach(async () => {
    api = await openApi({ config: ADMIN });
  });

  test("are refused to callers without it, over HTTP and WebSocket, named or not, and reads stay open", async () => {
    await fillQueue(api.queue, ["a"], 1);
    const hidden = "query Read { hosts { hostname } } mutation Change { redriveDeadLetters }";
    const answers = [
      await ask(api, "mutation { purgeDeadLetters }"),
      await ask(api, "mutation { purgeDeadLetters }", { token: "wrong" }),
      await ask(api, "mutation M { ...F } fragment F on Mutation { redriveDeadLetters }", { token: "admin2" }),
      await askOverSocket(api, "mutation { purgeDeadLetters }"),
      await askOverSocket(api, "mutation { purgeDeadLetters }", "Bearer wrong"),
      await askOverSocket(api, "mutation { purgeDeadLetters }", "Bearer wrong\r\nx: y"),
    ];
    for (const { errors } of answers) {
      expect(errors?.[0]).toMatchObject({
        message: "Mutations need ADMIN_TOKEN: send it as Authorization: Bearer …, over WebSocket in connectionParams",
        extensions: { code: "FORBIDDEN" },
      });
    }
    const named = await fetch(`${api.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: hidden, operationName: "Change" }),
    });
    expect(await named.json()).toMatchObject({ errors: [{ extensions: { code: "FORBIDDEN" } }] });
    const get = await fetch(`${api.url}/graphql?query=${encodeURIComponent("mutation { purgeDeadLetters }")}`, {
      headers: { authorization: "Bearer admin" },
    });
    expect(get.status).toBe(405);
    expect((await api.queue.stats()).dead).toBe(1);
    expect((await ask(api, "{ queues { dead } }")).data).toEqual({ queues: [{ dead: 1 }] });
  });

  test("redrive the named dead letters, and purge others", async () => {
    await fillQueue(api.queue, ["a", "b", "c", "d"], 4);
    const [a, b, c] = await idsOf();
    const redriven = await ask(api, "mutation($ids: [ID!]) { redriveDeadLetters(ids: $ids) }", {
      token: "admin",
      variables: { ids: [b, "unknown"] },
    });
    expect(redriven).toMatchObject({ status: 200, data: { redriveDeadLetters: 1 } });
    expect((await claim(api.queue)).map(({ seq }) => seq)).toEqual([2]);
    expect(await askOverSocket(api, `mutation { purgeDeadLetters(ids: ["${a}"]) }`, "Bearer admin")).toMatchObject({
      data: { purgeDeadLetters: 1 },
    });
    expect(await idsOf()).toHaveLength(2);
    const both = await ask(
      api,
      `mutation { __typename first: redriveDeadLetters(ids: ["${c}"]) ...Rest } fragment Rest on Mutation { rest: purgeDeadLetters }`,
      { token: "admin" },
    );
    expect(both.data).toEqual({ __typename: "Mutation", first: 1, rest: 1 });
    expect(await api.queue.stats()).toMatchObject({ ready: 1, dead: 0, counters: { redriven: 2, purged: 2 } });
  });

  test("refuse null, and more ids than one call may name", async () => {
    await fillQueue(api.queue, ["a"], 1);
    const send = (ids: unknown) =>
      ask(api, "mutation($ids: [ID!]) { purgeDeadLetters(ids: $ids) }", { token: "admin", variables: { ids } });
    expect((await send(null)).errors?.[0]).toMatchObject({
      message: "ids must be a list of ids (leave it out for all dead letters), got null",
      extensions: { code: "BAD_USER_INPUT" },
    });
    const many = await send(Array.from({ length: 1001 }, (_, index) => String(index)));
    expect(many.errors?.[0]?.extensions?.code).toBe("BAD_USER_INPUT");
    expect((await send([])).data).toEqual({ purgeDeadLetters: 0 });
    expect((await send(undefined)).data).toEqual({ purgeDeadLetters: 1 });
  });

  test("reach a subgraph in another process, once", async () => {
    await using far = await openRemoteApi({ config: ADMIN, token: "inner" });
    await fillQueue(far.queue, ["a", "b"], 2);
    expect((await ask(far, "mutation { redriveDeadLetters }")).errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
    const answer = await ask(far, "mutation { redriveDeadLetters purgeDeadLetters }", { token: "admin" });
    expect(answer.data).toEqual({ redriveDeadLetters: 2, purgeDeadLetters: 0 });
    expect((await far.queue.stats()).counters).toMatchObject({ redriven: 2, purged: 0 });
  });
});

describe("API_TOKEN together with ADMIN_TOKEN", () => {
  beforeEach(async () => {
    api = await openApi({ config: { ...ADMIN, apiToken: "reader" } });
  });

  test("allows reads with either, mutations with ADMIN_TOKEN alone, and nothing without", async () => {
    await fillQueue(api.queue, ["a"], 1);
    const read = "{ queues { dead } }";
    const change = "mutation { redriveDeadLetters }";
    expect((await ask(api, read)).status).toBe(401);
    expect((await ask(api, change)).status).toBe(401);
    expect((await ask(api, read, { token: "reader" })).data).toEqual({ queues: [{ dead: 1 }] });
    expect((await ask(api, read, { token: "admin" })).data).toEqual({ queues: [{ dead: 1 }] });
    expect((await askOverSocket(api, read, "Bearer admin")).data).toEqual({ queues: [{ dead: 1 }] });
    expect((await ask(api, change, { token: "reader" })).errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
    expect((await askOverSocket(api, change, "Bearer reader")).errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
    expect((await ask(api, change, { token: "admin" })).data).toEqual({ redriveDeadLetters: 1 });
    expect((await fetch(`${api.url}/api/v1/gpus`, { headers: { authorization: "Bearer admin" } })).status).toBe(200);
  });
});
