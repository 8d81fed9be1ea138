/** Says who may send: callers with RECEIVER_TOKEN; without one, programs on this machine. Web pages never. */
import { createBearerCheck } from "../../platform/http/bearer.ts";
import { createInternalGuard } from "../../platform/http/internal-guard.ts";
import { isLoopback } from "../../platform/http/loopback.ts";
import { problem } from "../../platform/http/problem.ts";

export interface AccessOptions {
  /** RECEIVER_TOKEN; null: none. */
  readonly token: string | null;
  /** Address that the server is bound to. */
  readonly host: string;
}

/** Returns the password of `Basic` as a bearer token; every user name is accepted. Other headers are unchanged. */
function asBearer(authorization: string | null): string | null {
  const credentials = /^basic ([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (credentials === undefined) return authorization;
  const text = Buffer.from(credentials, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? authorization : `Bearer ${text.slice(colon + 1)}`;
}

/** Returns a function that refuses requests; null: the request may be answered. */
export function createAccess({ token, host }: AccessOptions): (request: Request) => Response | null {
  const guard = createInternalGuard({ token: null, host });
  const allows = createBearerCheck(token);
  const isOpen = token !== null || isLoopback(host);
  return (request) => {
    const page = guard.refusePage(request);
    if (page !== null) return page;
    if (!isOpen) {
      const detail = "RECEIVER_TOKEN must be set before this server takes metrics from other machines";
      return problem({ status: 403, title: "Forbidden", detail });
    }
    if (allows(asBearer(request.headers.get("authorization")))) return null;
    return problem({
      status: 401,
      title: "Unauthorized",
      detail: "Send RECEIVER_TOKEN as Authorization: Bearer …, or as the password of Basic",
      headers: { "www-authenticate": 'Bearer, Basic realm="receiver"' },
    });
  };
}
