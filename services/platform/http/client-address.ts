/** Finds the address by which a client is counted, also behind proxies. */
import { isIP } from "node:net";

export interface Caller {
  /** Remote address of the connection; absent if the server does not know it. */
  readonly ip?: string | undefined;
  readonly headers: Headers;
}

/** Returns the address in `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443` or `fe80::1%eth0`; otherwise undefined. */
function addressIn(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+)(?::\d+)?$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? undefined : address;
}

/** Returns the /64 network of an IPv6 address: one household or one cloud host has all addresses of such a network. */
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
 * Returns the client's IPv4 address, or the /64 network of its IPv6 address. Each proxy in front of the server appends
 * the address that it saw to X-Forwarded-For. With n proxies, the client's address is therefore the n-th entry from the
 * right. Entries further left are ignored, because the client may have forged them.
 * @param options.proxies number of proxies in front of the server
 */
export function clientOf({ ip, headers }: Caller, { proxies }: { proxies: number }): string {
  const direct = addressIn(ip ?? "");
  const forwarded =
    proxies === 0 ? [] : (headers.get("x-forwarded-for") ?? "").split(",").filter((text) => text.trim());
  const nearest = forwarded[Math.max(0, forwarded.length - proxies)]?.trim();
  const address = (nearest === undefined ? undefined : addressIn(nearest)) ?? direct;
  return address === undefined ? "unknown" : networkOf(address);
}
