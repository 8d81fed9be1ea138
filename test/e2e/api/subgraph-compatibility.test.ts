/** The federation contract that gateways of other vendors rely on, against each subgraph's server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { batchOf, factsOf, heldBy, UTIL, uuidOf } from "../../conformance/repository/bench.ts";
import { type GraphqlAnswer, postGraphql } from "../../support/api/graphql-answer.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { INTERNAL_TOKEN, openServices, type Services } from "../../support/programs/services.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";

const SUBGRAPHS = { inventory: "inventory", telemetry: "telemetry", "queue-service": "pipeline" } as const;

describe.skipIf(!haveRedisServer())("each subgraph as a process", () => {
  const opened = new AsyncDisposableStack();
  let services: Services;
  beforeAll(async () => {
    const folder = opened.use(await temporaryFolder());
    const path = join(folder.path, "subgraphs.sqlite");
    {
      const parts = { clock: systemClock, log: silentLogger };
      await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
      await repository.save([batchOf([[UTIL, 0, 42, factsOf(1, heldBy("train"))]])]);
    }
    const redis: RedisServer = opened.use(await startRedisServer());
    const store = { SQLITE_PATH: path };
    services = opened.use(await openServices({ runtime: "bun", redis: redis.address, store, streamer: {} }));
    await services.start("queue-service", "inventory", "telemetry");
  }, 60_000);
  afterAll(() => opened.disposeAsync());

  async function ask(name: keyof typeof SUBGRAPHS, query: string, variables?: object): Promise<GraphqlAnswer> {
    const headers = { authorization: `Bearer ${INTERNAL_TOKEN}` };
    const response = await postGraphql(`${services.urlOf(name)}/graphql`, JSON.stringify({ query, variables }), {
      headers,
    });
    return (await response.json()) as GraphqlAnswer;
  }
  const entities = (name: keyof typeof SUBGRAPHS, fields: string, ...representations: object[]) =>
    ask(name, `query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Gpu { ${fields} } } }`, {
      r: representations,
    });
  const gpu = (number: number) => ({ __typename: "Gpu", uuid: uuidOf(number) });

  for (const [name, subgraph] of Object.entries(SUBGRAPHS) as [keyof typeof SUBGRAPHS, string][]) {
    test(`${name} returns the SDL that is composed`, async () => {
      const sdl = await readFile(new URL(`../../../schema/generated/${subgraph}.graphql`, import.meta.url), "utf8");
      const { data } = await ask(name, "{ _service { sdl } }");
      expect(`${data._service.sdl.trim()}\n`).toBe(sdl);
      expect(sdl.match(/type Gpu\n {2}@key\(fields: "uuid"\)/)?.length ?? 0).toBe(subgraph === "pipeline" ? 0 : 1);
    });
  }

  test("inventory and telemetry resolve entities in the order of their keys, unknown ones included", async () => {
    expect(await entities("inventory", "uuid hostname pod", gpu(1), gpu(999), gpu(1))).toEqual({
      data: {
        _entities: [
          { __typename: "Gpu", uuid: uuidOf(1), hostname: "host-0", pod: "train" },
          null,
          { __typename: "Gpu", uuid: uuidOf(1), hostname: "host-0", pod: "train" },
        ],
      },
    });
    // Telemetry does not know which GPUs exist. An unknown one has no readings.
    expect(await entities("telemetry", "uuid latest { value }", gpu(999), gpu(1))).toEqual({
      data: {
        _entities: [
          { __typename: "Gpu", uuid: uuidOf(999), latest: [] },
          { __typename: "Gpu", uuid: uuidOf(1), latest: [{ value: 42 }] },
        ],
      },
    });
    expect(await entities("inventory", "uuid")).toEqual({ data: { _entities: [] } });
  });

  test("a type that is not an entity, and an invalid key, are BAD_USER_INPUT with a reason", async () => {
    for (const name of ["inventory", "telemetry"] as const) {
      for (const [representation, word] of [
        [{ __typename: "Host", hostname: "host-0" }, "Host"],
        [{ __typename: "Nothing" }, "Nothing"],
        [{ __typename: "Gpu", uuid: "x" }, '"x"'],
        [{ __typename: "Gpu" }, "uuid"],
        [{ uuid: uuidOf(1) }, "__typename"],
      ] as const) {
        const { errors = [] } = await entities(name, "uuid", representation);
        const [error] = errors;
        expect([name, representation, error?.extensions?.code]).toEqual([name, representation, "BAD_USER_INPUT"]);
        expect(error?.message).toContain(word);
      }
    }
  });

  test("pipeline has no entities", async () => {
    const { errors } = await ask("queue-service", "{ _entities(representations: []) { __typename } }");
    expect(errors?.[0]?.message).toContain("_entities");
  });
});
