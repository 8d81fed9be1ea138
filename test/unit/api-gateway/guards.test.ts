import { expect, test } from "bun:test";
import { readApiConfig } from "../../../services/api-gateway/config.ts";
import { createAccess } from "../../../services/api-gateway/edge/access.ts";
import { createGuards, firstAnswer, type Guard } from "../../../services/api-gateway/edge/guards.ts";
import { createThrottle } from "../../../services/api-gateway/edge/throttle.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const HOME = "http://localhost:8080";

/** Guards of a server on loopback that has a token, one page and a rate of one request a second. */
function openGuards(): readonly Guard[] {
  const config = readApiConfig({ API_TOKEN: "secret", RATE_LIMIT: "1/s" });
  return createGuards({
    config,
    access: createAccess(config),
    throttle: createThrottle(config, { metrics: createMetrics(), clock: new ManualClock() }),
    pages: (_request, { pathname }) => (pathname === "/" ? new Response("a page") : null),
  });
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status of the guards' answer; 200 for a request that passes all of them. */
async function statusOf(guards: readonly Guard[], { path, ...init }: Asked): Promise<number> {
  const request = new Request(HOME + path, init);
  return (await firstAnswer(guards, request, new URL(request.url)))?.status ?? 200;
}

const preflight: Asked = { path: "/graphql", method: "OPTIONS", headers: { "access-control-request-method": "POST" } };
const elsewhere = { host: "evil.example" };

/** Neighbours in the order, and a request that is answered differently when they change places. */
const NEIGHBOURS: readonly {
  readonly first: string;
  readonly second: string;
  readonly asked: Asked;
  /** Whether the client has used up its rate before. */
  readonly spent?: true;
  readonly status: number;
  readonly swapped: number;
}[] = [
  { first: "rate", second: "preflight", asked: preflight, spent: true, status: 429, swapped: 204 },
  {
    first: "preflight",
    second: "host",
    asked: { ...preflight, headers: { ...preflight.headers, ...elsewhere } },
    status: 204,
    swapped: 421,
  },
  { first: "host", second: "page", asked: { path: "/", headers: elsewhere }, status: 421, swapped: 200 },
  { first: "page", second: "token", asked: { path: "/" }, status: 200, swapped: 401 },
];

test("createGuards() checks rate, preflight, host, page and token, in this order", () => {
  const names = openGuards().map(({ name }) => name);
  expect(names).toEqual(["rate", "preflight", "host", "page", "token"]);
  expect(NEIGHBOURS.map(({ first, second }) => [first, second])).toEqual(
    names.slice(1).map((second, index) => [names[index] as string, second]),
  );
});

for (const [index, { first, second, asked, spent, status, swapped }] of NEIGHBOURS.entries()) {
  test(`a request shows that ${first} is checked before ${second}`, async () => {
    const answers = [];
    for (const isSwapped of [false, true]) {
      const guards = [...openGuards()];
      const [a, b] = guards.splice(index, 2) as [Guard, Guard];
      guards.splice(index, 0, ...(isSwapped ? [b, a] : [a, b]));
      if (spent) for (let n = 0; n < 2; n++) await statusOf(guards, { path: "/" });
      answers.push(await statusOf(guards, asked));
    }
    expect(answers).toEqual([status, swapped]);
  });
}

test("guessing at a token is limited by the rate", async () => {
  const guards = openGuards();
  const guess: Asked = { path: "/api/v1/gpus", headers: { authorization: "Bearer guess" } };
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push(await statusOf(guards, guess));
  expect(statuses).toEqual([401, 401, 429, 429]);
});

test("probes pass at any rate, under any host name and without a token", async () => {
  const guards = openGuards();
  for (const path of ["/health", "/healthz", "/readyz"]) {
    for (let n = 0; n < 5; n++) expect(await statusOf(guards, { path, headers: elsewhere })).toBe(200);
  }
  expect(await statusOf(guards, { path: "/metrics", headers: elsewhere })).toBe(421);
});
