/** Who asks: the address of a caller, also behind proxies, as something to count by. */
import { isIP } from "node:net";

export interface Caller {
  /** The other end of the connection; absent: the server does not say. */
  readonly ip?: string | undefined;
  readonly headers: Headers;
}

/** `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443`, `fe80::1%eth0` → the address alone; undefined: it is none. */
function addressIn(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+)(?::\d+)?$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? undefined : address;
}

/** The first four groups: one household, one host of a cloud has all addresses below them. */
function networkOf(address: string): string {
  if (isIP(address) === 4) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"));
  const first = groups(head);
  const last = groups(tail);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const all = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/**
 * The caller's IPv4 address, or the /64 network of its IPv6 address. Each of the `proxies` in front has appended the
 * address that it saw to X-Forwarded-For, so the client's is that many from the right; what stands further left is what
 * the caller claims.
 */
export function clientOf({ ip, headers }: Caller, { proxies }: { proxies: number }): string {
  const direct = addressIn(ip ?? "");
  const forwarded =
    proxies === 0 ? [] : (headers.get("x-forwarded-for") ?? "").split(",").filter((text) => text.trim());
  const nearest = forwarded[Math.max(0, forwarded.length - proxies)]?.trim();
  const address = (nearest === undefined ? undefined : addressIn(nearest)) ?? direct;
  return address === undefined ? "unknown" : networkOf(address);
}
