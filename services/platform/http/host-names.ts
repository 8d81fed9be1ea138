/**
 * Checks the host names under which a server answers. A page can let its own name resolve to the server's address (DNS
 * rebinding). The browser then treats the server as part of the page's origin. Only the Host header reveals this.
 */
import { isIP } from "node:net";
import { isLoopback } from "./loopback.ts";
import { problem } from "./problem.ts";

/** A name of the public DNS never ends in one of these, so no stranger can let it resolve to this server. */
const PRIVATE_SUFFIXES = [".localhost", ".local", ".internal", ".svc", ".home.arpa"] as const;

export interface HostNameOptions {
  /** Address that the server is bound to. */
  readonly host: string;
  /** Further accepted names: `gpus.example.com`, `*.example.com` for all names below it, or `*` for every name. */
  readonly allowed?: readonly string[];
  /** The environment variables that add names, as text for the error message. */
  readonly variables?: string;
}

/** Returns why a request is refused for its host name, or null if the name is accepted. */
export type HostNames = (request: Request) => string | null;

/** Returns the name in lower case, without port, brackets and trailing dot; "" if `host` is not a valid host. */
function nameOf(host: string): string {
  const address = `http://${host}`;
  return URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$|\.$/g, "") : "";
}

const isPrivate = (name: string): boolean =>
  !name.includes(".") || PRIVATE_SUFFIXES.some((suffix) => name.endsWith(suffix));

/** Whether the pattern is the name itself, or `*.` followed by a domain above the name. */
const fits = (name: string, pattern: string): boolean =>
  pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern;

/**
 * A server bound to loopback accepts `localhost`, IP addresses and `allowed`. Any other server also accepts private
 * names: other machines use them to reach the server, and only someone in the same network can assign them.
 */
export function createHostNames({ host, allowed = [], variables }: HostNameOptions): HostNames {
  if (allowed.includes("*")) return () => null;
  const isLocal = isLoopback(host);
  const patterns = allowed.map((name) => (name.startsWith("*.") ? `*.${nameOf(name.slice(2))}` : nameOf(name)));
  const accepted = [
    "localhost",
    "an IP address",
    ...(isLocal ? [] : ["a name without a dot", "a name of a private domain such as .local"]),
    ...(variables === undefined ? [] : [`a name of ${variables}`]),
  ];
  const form = `${accepted.slice(0, -1).join(", ")} or ${accepted.at(-1)}`;
  return ({ headers, url }) => {
    const asked = headers.get("host") ?? new URL(url).host;
    const name = nameOf(asked);
    if (name !== "") {
      if (isLoopback(name) || isIP(name) !== 0 || (!isLocal && isPrivate(name))) return null;
      if (patterns.some((pattern) => fits(name, pattern))) return null;
    }
    return `Host must be ${form}, got ${JSON.stringify(asked)}`;
  };
}

export const misdirected = (detail: string): Response => problem({ status: 421, title: "Misdirected request", detail });
