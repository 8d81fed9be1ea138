import { expect, test } from "bun:test";
import { clientOf } from "../../../services/platform/http/client-address.ts";

const client = (ip: string | undefined, forwarded?: string, proxies = 0) =>
  clientOf({ ip, headers: new Headers(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }) }, { proxies });

test("clientOf() is the other end of the connection, whatever it claims, while no proxy is trusted", () => {
  expect(client("192.0.2.7")).toBe("192.0.2.7");
  expect(client("192.0.2.7", "10.0.0.1")).toBe("192.0.2.7");
  expect(client("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(client(undefined)).toBe("unknown");
});

test("clientOf() takes the address that the outermost trusted proxy saw", () => {
  expect(client("10.0.0.1", "203.0.113.9", 1)).toBe("203.0.113.9");
  expect(client("10.0.0.1", "198.51.100.1, 203.0.113.9", 1)).toBe("203.0.113.9");
  expect(client("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", 2)).toBe("203.0.113.9");
  expect(client("10.0.0.1", "203.0.113.9:5123", 1)).toBe("203.0.113.9");
  expect(client("10.0.0.1", "[2001:db8:1:2::9]:443", 1)).toBe("2001:db8:1:2::/64");
});

test("clientOf() falls back to the nearest usable address when a proxy was bypassed or the header is invalid", () => {
  expect(client("192.0.2.7", undefined, 2)).toBe("192.0.2.7");
  expect(client("192.0.2.7", "203.0.113.9", 2)).toBe("203.0.113.9");
  expect(client("192.0.2.7", "203.0.113.9, <script>", 1)).toBe("192.0.2.7");
  expect(client("192.0.2.7", " , ", 1)).toBe("192.0.2.7");
});

test("clientOf() counts a /64 network of IPv6 as one, however its addresses are written", () => {
  const same = ["2001:db8:0:7::1", "2001:DB8::7:0:0:0:2", "2001:0db8:0000:0007:ffff::", "2001:db8:0:7:1:2:3:4"];
  for (const address of same) expect(client(address)).toBe("2001:db8:0:7::/64");
  expect(client("2001:db8:0:8::1")).toBe("2001:db8:0:8::/64");
  expect(client("::1")).toBe("0:0:0:0::/64");
  expect(client("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
});
