import { expect, test } from "bun:test";
import { request } from "node:http";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { addressOf, onRuntime, startProgram } from "../../support/programs/process.ts";

type Headers = Readonly<Record<string, string>>;

/** The status of the answer to a request whose headers, `Host` included, are sent as given. 101: it was upgraded. */
const statusOf = (url: string, headers: Headers, body?: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const asked = request(url, { method: body === undefined ? "GET" : "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end(body);
  });

const QUERY = JSON.stringify({ query: "{ __typename }" });
const JSON_TYPE = { "content-type": "application/json" };
const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "graphql-transport-ws",
};
const ORIGIN = { origin: "https://evil.example" };
const SITE = { "sec-fetch-site": "cross-site" };
const REBOUND = { host: "evil.example" };

for (const runtime of ["bun", "deno"] as const) {
  test(`a subgraph on ${runtime} answers programs, and refuses what a web page can send`, async () => {
    await using folder = await temporaryFolder();
    await using program = startProgram(onRuntime(runtime, "services/inventory/main.ts"), {
      PORT: "0",
      LOG_FORMAT: "json",
      SQLITE_PATH: `${folder.path}/telemetry.sqlite`,
    });
    const url = await addressOf(program);
    const posts = async (headers: Headers) => statusOf(`${url}/graphql`, headers, QUERY);
    const upgrades = async (headers: Headers) => statusOf(`${url}/graphql`, { ...UPGRADE, ...headers });
    expect([await posts(JSON_TYPE), await upgrades({}), await statusOf(`${url}/healthz`, {})]).toEqual([200, 101, 200]);
    for (const [sent, status] of [
      [ORIGIN, 403],
      [SITE, 403],
      [REBOUND, 421],
    ] as const) {
      const statuses = [await posts({ ...JSON_TYPE, ...sent }), await upgrades(sent)];
      for (const path of ["/graphql?query={__typename}", "/readyz", "/metrics"]) {
        statuses.push(await statusOf(url + path, sent));
      }
      expect([sent, ...statuses]).toEqual([sent, status, status, status, status, status]);
    }
    expect(await posts({ "content-type": "text/plain" })).toBe(415);
    expect(await posts({})).toBe(415);
  }, 60_000);
}
