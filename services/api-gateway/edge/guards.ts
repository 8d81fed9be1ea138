/** Guards: checks that every HTTP request passes, one after the other, before a route answers it. */
import { refuseGraphql } from "../../platform/graphql/limits.ts";
import { PROBE_PATHS } from "../../platform/http/health.ts";
import { misdirected } from "../../platform/http/host-names.ts";
import { problem, problemOf } from "../../platform/http/problem.ts";
import type { ApiConfig } from "../config.ts";
import type { Access } from "./access.ts";
import { GRAPHQL_PATH } from "./graphql-endpoint.ts";
import { HEALTH_PATH } from "./public-health.ts";
import { type Throttle, tooOften } from "./throttle.ts";

export interface Guard {
  readonly name: string;
  /** Returns the answer that ends the request, or null to pass the request to the next guard. */
  check(request: Request, url: URL): Response | null | Promise<Response | null>;
}

/** Paths without checks of rate, host name and token, so that probes always reach them. */
export const OPEN_PATHS: ReadonlySet<string> = new Set([HEALTH_PATH, ...PROBE_PATHS]);

const unlessProbe = ({ name, check }: Guard): Guard => ({
  name,
  check: (request, url) => (OPEN_PATHS.has(url.pathname) ? null : check(request, url)),
});

const rate = (throttle: Throttle, perSecond: number | null): Guard => ({
  name: "rate",
  check(request, { pathname }) {
    const retryAfterMs = throttle.waitMs(throttle.clientOf(request), "http");
    if (retryAfterMs === 0) return null;
    const refuse = pathname === GRAPHQL_PATH ? refuseGraphql : problemOf;
    return refuse("overloaded", tooOften(perSecond), { retryAfterMs });
  },
});

/** Answers preflights with an empty 204. The CORS headers are added later, as to every answer. */
const preflight: Guard = {
  name: "preflight",
  check: ({ method, headers }) =>
    method === "OPTIONS" && headers.has("access-control-request-method") ? new Response(null, { status: 204 }) : null,
};

const host = (access: Access): Guard => ({
  name: "host",
  check(request) {
    const detail = access.misdirectionOf(request);
    return detail === null ? null : misdirected(detail);
  },
});

const token = (access: Access): Guard => ({
  name: "token",
  check({ headers }) {
    if (access.allowsBearer(headers.get("authorization"))) return null;
    const detail = "Send API_TOKEN as Authorization: Bearer …";
    return problem({ status: 401, title: "Unauthorized", detail, headers: { "www-authenticate": "Bearer" } });
  },
});

export interface GuardParts {
  readonly access: Access;
  readonly throttle: Throttle;
  readonly config: Pick<ApiConfig, "rateLimit">;
  /** Answers requests for pages. Returns null for all other requests. */
  readonly pages: Guard["check"];
}

/**
 * The guards in their order:
 *
 * 1. `rate`: first, so that every request counts, even those that guess tokens.
 * 2. `preflight`: before `token`, because browsers send preflights without credentials.
 * 3. `host`: before the guards that answer with content, so that a DNS rebinding page (see `host-names.ts`) gets none.
 * 4. `page`: before `token`, because browsers open pages without credentials, and pages hold no data.
 * 5. `token`: last. A request that passes this guard may read.
 */
export const createGuards = ({ access, throttle, config, pages }: GuardParts): readonly Guard[] => [
  unlessProbe(rate(throttle, config.rateLimit)),
  preflight,
  unlessProbe(host(access)),
  { name: "page", check: pages },
  unlessProbe(token(access)),
];

/** Returns the answer of the first guard that has one, or null if the request passed all guards. */
export async function firstAnswer(guards: readonly Guard[], request: Request, url: URL): Promise<Response | null> {
  for (const { check } of guards) {
    const answer = await check(request, url);
    if (answer !== null) return answer;
  }
  return null;
}
