import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { openApi } from "../../support/api/api.ts";

const logged: unknown[] = [];
const log: Logger = { ...silentLogger, error: (...line) => logged.push(line), child: () => log };
let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ log });
});
afterAll(() => api[Symbol.asyncDispose]());

const QUERY = "query={hosts{gpus}}";

test("variables and extensions that are not JSON are BAD_USER_INPUT by GET", async () => {
  for (const name of ["variables", "extensions"]) {
    for (const value of ["{bad", "undefined"]) {
      const response = await api.get(`/graphql?${QUERY}&${name}=${value}`);
      expect([name, value, response.status]).toEqual([name, value, 400]);
      expect((await response.json()).errors).toEqual([
        {
          message: expect.stringContaining(`${name} must be a JSON object, got `),
          extensions: { code: "BAD_USER_INPUT" },
        },
      ]);
    }
    for (const value of ["{}", "null", ""]) {
      const response = await api.get(`/graphql?${QUERY}&${name}=${value}`);
      expect([name, value, await response.json()]).toEqual([name, value, { data: { hosts: expect.anything() } }]);
    }
  }
  expect(logged).toEqual([]);
});
