/** Who may ask: which pages of a browser, and whether the token is right. */
import { isIP } from "node:net";
import { createBearerCheck } from "../../platform/http/bearer.ts";
import { isLoopback } from "../../platform/http/loopback.ts";
import type { ApiConfig } from "../config.ts";

const CORS_MAX_AGE_S = "600";

export interface Access {
  /** Null, or why this is not answered: it asks for a name that is not ours, to which its page may have been moved. */
  misdirectionOf(request: Request): string | null;
  /** Null, or why a browser that sends this is not answered: another site's page made it ask. */
  refusalOf(request: Request): string | null;
  /** Of an allowed cross-origin request; for every other what caches must know. */
  corsHeaders(request: Request): Readonly<Record<string, string>>;
  /** To read. True also when no token is set for that. */
  allowsBearer(authorization: string | null | undefined): boolean;
  /** To change something. False when no token is set for that. */
  allowsAdmin(authorization: string | null | undefined): boolean;
  /** Whether any token allows changes. */
  readonly hasAdmin: boolean;
}

export type AccessOptions = Pick<ApiConfig, "apiToken" | "adminToken" | "corsOrigins" | "host">;

/** The `authorization` of a WebSocket's connectionParams, however it is spelled. */
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
  const isLocal = isLoopback(options.host);

  const askedHost = ({ headers, url }: Request): string => headers.get("host") ?? new URL(url).host;

  /** Pages of our own address, by name: the scheme may differ behind a proxy that ends TLS. */
  const isOwn = (address: string, request: Request): boolean => hostOf(address) === askedHost(request);

  function refusalOf(request: Request): string | null {
    const { headers } = request;
    const other = "This origin may not ask: CORS_ORIGINS does not name it";
    const origin = headers.get("origin");
    if (origin !== null) return listed.has(origin) || isOwn(origin, request) ? null : other;
    // A browser leaves Origin out of simple GETs, but says where they come from. Typed addresses are "none".
    const site = headers.get("sec-fetch-site");
    if (site !== null) {
      const asked = site === "same-origin" || site === "none" || headers.get("sec-fetch-mode") === "navigate";
      return asked ? null : other;
    }
    // Without TLS it does not even say that, but names the page.
    const page = headers.get("referer");
    return page === null || isOwn(page, request) || listedHosts.has(hostOf(page)) ? null : other;
  }

  return {
    refusalOf,
    misdirectionOf(request) {
      if (!isLocal) return null;
      const host = askedHost(request);
      const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "") : "";
      if (isLoopback(name) || isIP(name) !== 0 || listedHosts.has(host)) return null;
      return `${JSON.stringify(host)} is not a name of this machine alone: accepted are localhost, and what CORS_ORIGINS names`;
    },
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
