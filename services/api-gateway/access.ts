/** Who may ask: which pages of a browser, and whether the token is right. */
import { createBearerCheck } from "../platform/bearer.ts";

const CORS_MAX_AGE_S = "600";

export interface Access {
  /** False: a page of another site asks, and its origin is not among those allowed. */
  allowsOrigin(request: Request): boolean;
  /** Of an allowed cross-origin request; empty for every other. */
  corsHeaders(request: Request): Readonly<Record<string, string>>;
  /** To read. True also when no token is set for that. */
  allowsBearer(authorization: string | null | undefined): boolean;
  /** To change something. False when no token is set for that. */
  allowsAdmin(authorization: string | null | undefined): boolean;
  /** Whether any token allows changes. */
  readonly hasAdmin: boolean;
}

export interface AccessOptions {
  readonly apiToken: string | null;
  readonly adminToken: string | null;
  readonly corsOrigins: readonly string[];
}

export function createAccess(options: AccessOptions): Access {
  const reads = createBearerCheck(options.apiToken);
  const changes = options.adminToken === null ? () => false : createBearerCheck(options.adminToken);
  const listed = new Set(options.corsOrigins);
  return {
    allowsOrigin({ headers, url }) {
      const origin = headers.get("origin");
      if (origin !== null) {
        if (listed.has(origin)) return true;
        // The scheme may differ behind a proxy that ends TLS.
        return URL.canParse(origin) && new URL(origin).host === (headers.get("host") ?? new URL(url).host);
      }
      // A browser leaves Origin out of simple GETs, but says where they come from. Typed addresses are "none".
      const site = headers.get("sec-fetch-site");
      return site === null || site === "same-origin" || site === "none" || headers.get("sec-fetch-mode") === "navigate";
    },
    corsHeaders({ headers }) {
      const origin = headers.get("origin");
      if (origin === null || !listed.has(origin)) return {};
      return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-headers": "authorization, content-type, accept",
        "access-control-max-age": CORS_MAX_AGE_S,
        vary: "Origin",
      };
    },
    allowsBearer: (authorization) => reads(authorization) || changes(authorization),
    allowsAdmin: changes,
    hasAdmin: options.adminToken !== null,
  };
}
