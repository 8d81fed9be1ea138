/** No failure reveals addresses, files or drivers to a caller; the log has them. */
import { afterEach, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { uuidOf } from "../../support/api/fleet.ts";
import { TRANSPORTS } from "../../support/api/transports.ts";
import { keptLog } from "../../support/process/kept-log.ts";

const { log, lines } = keptLog();
afterEach(() => {
  lines.length = 0;
});

/** Patterns of addresses, files, stack frames and drivers. */
const INTERNAL = [
  /\b\d{1,3}(\.\d{1,3}){3}\b/,
  /\b[\w.-]+:\d{4,5}\b/,
  /\b(mongodb|redis|rediss|sqlite|file|https?|wss?):\/\//,
  /(^|[\s"'(])\/(work|home|root|usr|tmp|var|data|app|srv)\//,
  /\.[jt]s\b/,
  /\bat [\w.<>]+ \(/,
  /node_modules|ECONN|EHOSTUNREACH|Mongo|SQLITE|ioredis|hunter2/,
];
const TROUBLES: Readonly<Record<string, Error>> = {
  "a store that is away": new AppError(
    "Cannot use the store mongodb://db-0.internal:27017/gpu_telemetry: connect ECONNREFUSED 10.4.0.7:27017",
    { code: "unavailable", cause: new Error("MongoNetworkError") },
  ),
  "a file that is locked": new AppError("Cannot use the store /data/telemetry.sqlite: SQLITE_BUSY", {
    code: "unavailable",
  }),
  "an error of ours": new TypeError("undefined is not an object (evaluating 'a.b') at /app/services/x.ts:3:4"),
  "an error that quotes a secret": new Error("password=hunter2"),
};
const QUERIES = [
  "{ gpus { total } }",
  "{ gpus { gpus { uuid latest { value } telemetry { count } } } }",
  `{ gpuTelemetry(uuid: "${uuidOf(1)}") { count } }`,
  "subscription { readings { missed } }",
  "{ queues { ready } deadLetters { total } }",
  "{",
  "{ nope }",
  "query ($u: ID!) { gpu(uuid: $u) { uuid } }",
  "mutation { purgeDeadLetters }",
];
const PATHS: readonly [path: string, init?: RequestInit][] = [
  ["/api/v1/gpus"],
  [`/api/v1/gpus/${uuidOf(1)}`],
  [`/api/v1/gpus/${uuidOf(1)}/telemetry`],
  ["/api/v1/gpus", { headers: { accept: "text/csv" } }],
  ["/api/v1/gpus?limit=x"],
  ["/api/v1/nothing"],
  ["/nothing"],
  ["/health"],
  ["/readyz"],
  ["/api/v1/gpus", { method: "POST" }],
  ["/graphql", { method: "POST", body: "{", headers: { "content-type": "application/json" } }],
  ["/graphql", { method: "POST", body: "a=b", headers: { "content-type": "text/plain" } }],
  ["/graphql", { method: "POST", body: "x".repeat(200_000), headers: { "content-type": "application/json" } }],
  ["/graphql?query={__typename}", { headers: { accept: "image/png" } }],
  ["/graphql", { headers: { upgrade: "websocket", connection: "upgrade", origin: "https://evil.example" } }],
];

for (const [wiring, open] of Object.entries({ "in this process": openApi, "in other processes": openRemoteApi })) {
  for (const [what, trouble] of Object.entries(TROUBLES)) {
    test(`${what}, with subgraphs ${wiring}`, async () => {
      await using api = await open({ log });
      api.store.before = async () => {
        throw trouble;
      };
      const away = { store: trouble.message, "live feed": "does not answer" };
      api.health.now = { healthy: false, away };
      const answers: [asked: string, text: string][] = [];
      for (const query of QUERIES) {
        for (const [name, ask] of Object.entries(TRANSPORTS)) {
          answers.push([`${name} ${query}`, await ask(api.url, query)]);
        }
      }
      for (const [path, init] of PATHS) {
        const response = await api.get(path, init);
        const headers = [...response.headers].filter(([name]) => name !== "content-security-policy");
        answers.push([path, `${JSON.stringify(headers)} ${await response.text()}`]);
      }
      const mine = api.url.replace("http://", "");
      for (const [asked, text] of answers) {
        for (const internal of INTERNAL) {
          expect([asked, internal, text.replaceAll(mine, "").match(internal)?.[0]]).toEqual([
            asked,
            internal,
            undefined,
          ]);
        }
      }
      expect(answers.filter(([, text]) => /UNAVAILABLE|INTERNAL_SERVER_ERROR/.test(text)).length).toBeGreaterThan(10);
      expect(JSON.stringify(await (await api.get("/health")).json())).toContain(
        '"dependencies":{"store":"is unavailable","live feed":"does not answer"}',
      );
      if (wiring === "in this process")
        expect(JSON.stringify(lines)).toContain(JSON.stringify(trouble.message).slice(1, -1));
    }, 60_000);
  }
}

test("the error of an unavailable subgraph has its name, and not its address", async () => {
  await using api = await openRemoteApi({ log });
  const refused = await api.links.telemetry.refuse();
  api.links.telemetry.cutAll();
  const { errors } = await api.graphql("{ gpus { gpus { latest { value } } } }");
  expect(errors?.[0]?.message).toBe("Subgraph telemetry is unavailable: try again in a moment");
  await refused[Symbol.asyncDispose]();
});

test("the log has the reason of an outage once, for any number of requests", async () => {
  const { log, lines } = keptLog();
  await using api = await openApi({ log });
  api.store.before = async () => {
    throw TROUBLES["a store that is away"];
  };
  for (let n = 0; n < 20; n++) await api.graphql("{ gpus { total } }");
  const said = lines.filter(({ message }) => message === "query failed");
  expect(said.length).toBe(1);
  expect(said[0]?.fields.reason).toContain("10.4.0.7:27017");
});
