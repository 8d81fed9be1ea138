/** The guard of internal services (queue-service, the subgraphs): answers programs with the token, and no web page. */
import { createBearerCheck } from "./bearer.ts";
import { createHostNames, misdirected } from "./host-names.ts";
import { isLoopback } from "./loopback.ts";
import { problem } from "./problem.ts";

export interface InternalGuardOptions {
  /** INTERNAL_TOKEN; null: every program is answered. */
  readonly token: string | null;
  /** Address that the server is bound to. */
  readonly host: string;
}

export interface InternalGuard {
  /** Refuses what a web page can cause, upgrades to WebSocket included; null: a program sent the request. */
  refusePage(request: Request): Response | null;
  /** Refuses what a web page can cause, and requests without the token; null: the request may be answered. */
  refuse(request: Request): Response | null;
  /** For callers without a request of their own, such as an operation over WebSocket. */
  allowsBearer(authorization: string | null | undefined): boolean;
}

/** Types that a page of any origin can send without a preflight (Fetch standard, CORS-safelisted request-header). */
const FORM_TYPES: ReadonlySet<string> = new Set([
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "text/plain",
]);
/** Any other method with a body needs a preflight, which is refused by its `Origin`. */
const PLAIN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE"]);

const forbidden = (detail: string): Response => problem({ status: 403, title: "Forbidden", detail });

const tokenMissing = (): Response =>
  problem({
    status: 401,
    title: "Unauthorized",
    detail: "Send INTERNAL_TOKEN as Authorization: Bearer …",
    headers: { "www-authenticate": "Bearer" },
  });

/**
 * Programs send neither `Origin` nor `Sec-Fetch-Site`; browsers send them with each request that a page causes, except
 * simple GETs to an address without TLS: those change nothing, and no page can read their answers unless it shares the
 * server's host name. On loopback the name is checked; on a network INTERNAL_TOKEN is what protects.
 */
export function createInternalGuard({ token, host }: InternalGuardOptions): InternalGuard {
  const allowsBearer = createBearerCheck(token);
  // On a network, operators choose the names of internal services.
  const misdirectionOf = isLoopback(host) ? createHostNames({ host }) : () => null;

  function refusePage(request: Request): Response | null {
    const { method, headers } = request;
    const misdirection = misdirectionOf(request);
    if (misdirection !== null) return misdirected(misdirection);
    const origin = headers.get("origin");
    if (origin !== null) return forbidden("Origin must be absent: internal services answer programs, not web pages");
    const site = headers.get("sec-fetch-site");
    if (site !== null && site !== "none") {
      return forbidden(`Sec-Fetch-Site must be none or absent, got ${JSON.stringify(site)}`);
    }
    if (PLAIN_METHODS.has(method)) return null;
    const type = headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
    if (type !== "" && !FORM_TYPES.has(type)) return null;
    const detail = `Content-Type must be one that no form can send, such as application/json, got ${type || "none"}`;
    return problem({ status: 415, title: "Unsupported media type", detail });
  }

  return {
    refusePage,
    refuse: (request) =>
      refusePage(request) ?? (allowsBearer(request.headers.get("authorization")) ? null : tokenMissing()),
    allowsBearer,
  };
}
