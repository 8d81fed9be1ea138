import { expect, test } from "bun:test";
import { createHostNames, type HostNameOptions } from "../../../services/platform/http/host-names.ts";

const accepts = (host: string, options: Partial<HostNameOptions> = {}) =>
  createHostNames({ host: "0.0.0.0", ...options })(new Request("http://localhost", { headers: { host } })) === null;

const LOCAL = [
  "localhost",
  "localhost:8080",
  "LOCALHOST.",
  "api.localhost",
  "127.0.0.1:8080",
  "10.1.2.3",
  "[::1]:8080",
];
const PRIVATE = [
  "gpubox",
  "api-gateway:8080",
  "gpubox.local",
  "host.docker.internal",
  "api-gateway.gpu-telemetry.svc",
  "api-gateway.gpu-telemetry.svc.cluster.local:8080",
  "gpubox.home.arpa.",
];
const PUBLIC = ["evil.example", "evil.example:8080", "evil.example.", "127.0.0.1.evil.example", "xlocal", "a.notlocal"];
const BROKEN = ["", "a b", "@", ":8080", "evil.example:x"];

test("createHostNames() accepts private names on a network, and names that no public DNS can give out only", () => {
  const accepted = [...LOCAL, ...PRIVATE, ...PUBLIC, ...BROKEN].filter((host) => accepts(host));
  expect(accepted).toEqual([...LOCAL, ...PRIVATE, "xlocal"]);
});

test("createHostNames() accepts localhost and IP addresses alone on loopback", () => {
  const accepted = [...LOCAL, ...PRIVATE, ...PUBLIC, ...BROKEN].filter((host) => accepts(host, { host: "127.0.0.1" }));
  expect(accepted).toEqual(LOCAL);
});

test("createHostNames() accepts the allowed names at any port, names below a wildcard, and every name for *", () => {
  for (const host of ["0.0.0.0", "127.0.0.1"]) {
    const allowed = ["GPUs.example.com", "*.gpus.example", "::1"];
    const asked = ["gpus.example.com", "GPUS.example.com:8080", "a.gpus.example", "b.a.gpus.example"];
    for (const name of asked) expect([name, accepts(name, { host, allowed })]).toEqual([name, true]);
    for (const name of ["example.com", "a.gpus.example.com", "gpus.example", "xgpus.example"]) {
      expect([name, accepts(name, { host, allowed })]).toEqual([name, false]);
    }
    for (const name of [...LOCAL, ...PUBLIC]) expect(accepts(name, { host, allowed: ["*"] })).toBeTrue();
  }
});

test("createHostNames() says which names are accepted, and the given one", () => {
  const names = createHostNames({ host: "0.0.0.0", variables: "ALLOWED_HOSTS" });
  expect(names(new Request("http://evil.example/"))).toBe(
    "Host must be localhost, an IP address, a name without a dot, a name of a private domain such as .local " +
      'or a name of ALLOWED_HOSTS, got "evil.example"',
  );
});

test("createHostNames() reads Host alone, whatever a proxy says about other names", () => {
  const names = createHostNames({ host: "0.0.0.0" });
  const headers = { host: "evil.example", "x-forwarded-host": "localhost", forwarded: "host=localhost" };
  expect(names(new Request("http://localhost/", { headers }))).not.toBeNull();
});
