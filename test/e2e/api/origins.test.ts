import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { request } from "node:http";
import { openApi } from "../../support/api/api.ts";

const LISTED = "https://ok.example";
let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ config: { corsOrigins: [LISTED] } });
});
afterAll(() => api[Symbol.asyncDispose]());

describe("requests that a page of another site can cause", () => {
  const ORIGINS: Readonly<Record<string, string | null>> = {
    absent: null,
    own: "own",
    listed: LISTED,
    foreign: "https://evil.example",
    opaque: "null",
  };
  const SITES = [null, "same-origin", "none", "same-site", "cross-site"];
  const TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    null,
  ];
  const QUERY = "{ __typename }";

  for (const [kind, value] of Object.entries(ORIGINS)) {
    for (const site of SITES) {
      const mayAsk = value === null ? [null, "same-origin", "none"].includes(site) : ["own", "listed"].includes(kind);
      test(`Origin ${kind}, Sec-Fetch-Site ${site ?? "absent"}: ${mayAsk ? "accepted" : "refused"}`, async () => {
        const headers = {
          ...(value === null ? {} : { origin: value === "own" ? api.url : value }),
          ...(site === null ? {} : { "sec-fetch-site": site, "sec-fetch-mode": "cors" }),
        };
        const byGet = await api.get(`/graphql?query=${encodeURIComponent(QUERY)}`, { headers });
        expect(byGet.status).toBe(mayAsk ? 200 : 403);
        for (const type of TYPES) {
          const response = await api.get("/graphql", {
            method: "POST",
            headers: { ...headers, ...(type === null ? {} : { "content-type": type }) },
            body: new TextEncoder().encode(JSON.stringify({ query: QUERY })),
          });
          const isJson = type?.split(";")[0] === "application/json";
          expect([type, response.status]).toEqual([type, mayAsk ? (isJson ? 200 : 415) : 403]);
          expect(response.headers.get("access-control-allow-origin")).toBe(kind === "listed" ? LISTED : null);
          expect(response.headers.get("vary")).toContain("Origin");
        }
      });
    }
  }

  test("Referer decides where the browser sends neither Origin nor Sec-Fetch-Site", async () => {
    const statuses = [];
    for (const referer of [`${api.url}/`, `${LISTED}/board`, "https://evil.example/"]) {
      statuses.push((await api.get("/graphql?query={__typename}", { headers: { referer } })).status);
    }
    expect(statuses).toEqual([200, 200, 403]);
  });

  test("a preflight is answered for a listed origin only", async () => {
    const preflight = async (origin: string) => {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      };
      const response = await api.get("/graphql", { method: "OPTIONS", headers });
      const names = ["origin", "methods", "headers", "credentials"].map((name) => `access-control-allow-${name}`);
      return [response.status, ...names.map((name) => response.headers.get(name))];
    };
    expect(await preflight(LISTED)).toEqual([
      204,
      LISTED,
      "GET, HEAD, POST",
      "authorization, content-type, accept, if-none-match",
      null,
    ]);
    expect(await preflight("https://evil.example")).toEqual([204, null, null, null, null]);
  });

  test("no CORS headers are sent without CORS_ORIGINS", async () => {
    await using plain = await openApi();
    for (const path of ["/", "/api/v1/gpus", "/openapi.json", "/nothing"]) {
      const { headers } = await plain.get(path, { headers: { origin: LISTED } });
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    }
  });
});

describe("a foreign name that resolves to this machine", () => {
  /** Sends a Host of the test's choice, which fetch() would overwrite. */
  const statusAs = (url: string, path: string, host: string, headers: Record<string, string> = {}) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request(url + path, { headers: { host, ...headers } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", reject);
      asked.end();
    });

  test("is refused on loopback unless CORS_ORIGINS lists it", async () => {
    const port = new URL(api.url).port;
    for (const path of ["/api/v1/gpus", "/graphql?query={__typename}", "/metrics", "/"]) {
      const statuses = [];
      for (const host of [
        `localhost:${port}`,
        "127.0.0.1",
        "[::1]:8080",
        "ok.example",
        "evil.example",
        `evil.example:${port}`,
      ]) {
        statuses.push(await statusAs(api.url, path, host));
      }
      expect([path, ...statuses]).toEqual([path, 200, 200, 200, 200, 421, 421]);
    }
    const upgrade = { upgrade: "websocket", connection: "upgrade", origin: "http://evil.example" };
    expect(await statusAs(api.url, "/graphql", "evil.example", upgrade)).toBe(403);
    expect(await statusAs(api.url, "/healthz", "evil.example")).toBe(200);
  });

  test("is refused by a server that listens on the network unless it is private or ALLOWED_HOSTS lists it", async () => {
    const refused = async (allowedHosts: readonly string[], hosts: readonly string[]) => {
      await using open = await openApi({ config: { host: "0.0.0.0", allowedHosts } });
      const statuses: (number | undefined)[] = [];
      for (const host of hosts) statuses.push(await statusAs(open.url, "/api/v1/gpus", host));
      return hosts.filter((_, index) => statuses[index] === 421);
    };
    const hosts = ["gpubox:8080", "gpubox.local", "10.0.0.7:8080", "gpus.example:8080", "evil.example"];
    expect(await refused([], hosts)).toEqual(["gpus.example:8080", "evil.example"]);
    expect(await refused(["gpus.example"], hosts)).toEqual(["evil.example"]);
    expect(await refused(["*"], hosts)).toEqual([]);
  });

  test("counts even if a proxy forwards another host name", async () => {
    await using open = await openApi({ config: { host: "0.0.0.0", trustedProxies: 1 } });
    const headers = { "x-forwarded-host": "localhost", forwarded: "host=localhost" };
    expect(await statusAs(open.url, "/api/v1/gpus", "evil.example", headers)).toBe(421);
  });
});
