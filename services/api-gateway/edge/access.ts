/** Access: decides by host name, browser origin and token which requests are accepted. */
import { createBearerCheck } from "../../platform/http/bearer.ts";
import { createHostNames } from "../../platform/http/host-names.ts";
import type { ApiConfig } from "../config.ts";

const CORS_MAX_AGE_S = "600";

export interface Access {
  /** Returns why a request is refused for its host name, or null if the name is accepted. */
  misdirectionOf(request: Request): string | null;
  /** Returns why a request from a page of another site is refused, or null if the request is accepted. */
  refusalOf(request: Request): string | null;
  /**
   * Returns the headers that let a page of an allowed origin read the answer; for any other request, only `vary`.
   * Empty without CORS_ORIGINS.
   */
  corsHeaders(request: Request): Readonly<Record<string, string>>;
  /** Whether an `authorization` header allows reads. Always true without API_TOKEN. */
  allowsBearer(authorization: string | null | undefined): boolean;
  /** Whether an `authorization` header allows mutations. Always false without ADMIN_TOKEN. */
  allowsAdmin(authorization: string | null | undefined): boolean;
  /** Whether ADMIN_TOKEN is set. */
  readonly hasAdmin: boolean;
}

export type AccessOptions = Pick<ApiConfig, "apiToken" | "adminToken" | "corsOrigins" | "allowedHosts" | "host">;

/** Returns `authorization` or `Authorization` of a WebSocket's connectionParams, or "" if neither is set. */
export function bearerOf(connectionParams: Readonly<Record<string, unknown>> | undefined): string {
  const { authorization, Authorization } = connectionParams ?? {};
  const given = authorization ?? Authorization;
  return typeof given === "string" ? given : "";
}

const hostOf = (address: string): string | null => (URL.canParse(address) ? new URL(address).host : null);

export function createAccess(options: AccessOptions): Access {
  const reads = createBearerCheck(options.apiToken);
  const changes = options.adminToken === null ? () => false : createBearerCheck(options.adminToken);
  const listed = new Set(options.corsOrigins);
  const listedHosts = new Set(options.corsOrigins.map(hostOf));
  const corsNames = options.corsOrigins.map((origin) => new URL(origin).hostname);
  const misdirectionOf = createHostNames({
    host: options.host,
    allowed: [...options.allowedHosts, ...corsNames],
    variables: "ALLOWED_HOSTS or CORS_ORIGINS",
  });

  const askedHost = ({ headers, url }: Request): string => headers.get("host") ?? new URL(url).host;

  /** Compares hosts and ports, but not schemes, which differ behind a proxy that terminates TLS. */
  const isOwn = (address: string, request: Request): boolean => hostOf(address) === askedHost(request);

  function refusalOf(request: Request): string | null {
    const { headers } = request;
    const other = "The origin must be this server's own or listed in CORS_ORIGINS";
    const origin = headers.get("origin");
    if (origin !== null) return listed.has(origin) || isOwn(origin, request) ? null : other;
    // Browsers omit Origin from simple GETs and send Sec-Fetch-Site, which is "none" for a typed address.
    const site = headers.get("sec-fetch-site");
    if (site !== null) {
      const asked = site === "same-origin" || site === "none" || headers.get("sec-fetch-mode") === "navigate";
      return asked ? null : other;
    }
    // Without TLS, browsers also omit Sec-Fetch-Site, and send only Referer.
    const page = headers.get("referer");
    return page === null || isOwn(page, request) || listedHosts.has(hostOf(page)) ? null : other;
  }

  return {
    refusalOf,
    misdirectionOf,
    corsHeaders({ headers }) {
      if (listed.size === 0) return {};
      const origin = headers.get("origin");
      if (origin === null || !listed.has(origin)) return { vary: "Origin" };
      return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-headers": "authorization, content-type, accept, if-none-match",
        "access-control-expose-headers": "etag, link, retry-after, www-authenticate",
        "access-control-max-age": CORS_MAX_AGE_S,
        vary: "Origin",
      };
    },
    allowsBearer: (authorization) => reads(authorization) || changes(authorization),
    allowsAdmin: changes,
    hasAdmin: options.adminToken !== null,
  };
}
