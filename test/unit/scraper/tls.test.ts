/** Scrapes over HTTPS, with certificates that this test makes. */
import { afterAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import type { TlsConfig } from "../../../services/scraper/http/tls.ts";
import { requestMetrics } from "../../../services/scraper/scrape/request.ts";
import { KubernetesTargets } from "../../../services/scraper/targets/kubernetes/kubernetes-targets.ts";
import { EndpointSliceServer } from "../../support/kubernetes/endpoint-slices.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { createAuthority } from "../../support/servers/certificates.ts";
import { eventually } from "../../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

const ours = createAuthority("Test authority");
const foreign = createAuthority("Another authority");
const NONE: TlsConfig = { caFile: undefined, certificateFile: undefined, keyFile: undefined, isInsecure: false };

async function file(name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text);
  return path;
}

async function serve(options: ServerOptions) {
  const server = createServer(options, (_, response) => response.end("a 1\n"));
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  return {
    ask: async (tls: Partial<TlsConfig>): Promise<boolean> => {
      const settings = {
        timeoutMs: 10_000,
        maxBytes: 1000,
        credentials: { kind: "none" },
        tls: { ...NONE, ...tls },
      } as const;
      return (await requestMetrics(url, settings, new AbortController().signal)).ok;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("requestMetrics() trusts the authority of its file alone, and none of another host", async () => {
  await using server = await serve(ours.issue("127.0.0.1"));
  expect(await server.ask({})).toBe(false);
  expect(await server.ask({ caFile: await file("foreign.pem", foreign.cert) })).toBe(false);
  const caFile = await file("ca.pem", ours.cert);
  expect(await server.ask({ caFile })).toBe(true);
  await using other = await serve(ours.issue("gpu-node-7.example"));
  expect(await other.ask({ caFile })).toBe(false);
});

test("requestMetrics() checks no certificate if it is told so", async () => {
  await using server = await serve(foreign.issue("gpu-node-7.example"));
  expect(await server.ask({ isInsecure: true })).toBe(true);
});

test("requestMetrics() shows its certificate, and reads the files again for each request", async () => {
  await using server = await serve({
    ...ours.issue("127.0.0.1"),
    ca: ours.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const caFile = await file("ca.pem", ours.cert);
  expect(await server.ask({ caFile })).toBe(false);
  const replace = async ({ cert, key }: { cert: string; key: string }) => ({
    caFile,
    certificateFile: await file("client.pem", cert),
    keyFile: await file("client-key.pem", key),
  });
  expect(await server.ask(await replace(foreign.issue("scraper")))).toBe(false);
  expect(await server.ask(await replace(ours.issue("scraper")))).toBe(true);
  expect(await server.ask({ caFile, certificateFile: join(folder.path, "none.pem"), keyFile: caFile })).toBe(false);
});

test("KubernetesTargets checks the API server's certificate with the service account's ca.crt", async () => {
  await using account = await temporaryFolder();
  await using server = new EndpointSliceServer("gpus", ours.issue("127.0.0.1"));
  await server.start();
  server.tokens.add("token");
  server.set("a", { service: "dcgm", endpoints: [{ address: "10.0.0.1" }] });
  await writeFile(join(account.path, "token"), "token");
  await writeFile(join(account.path, "ca.crt"), foreign.cert);
  const service = { namespace: "gpus", service: "dcgm", port: undefined };
  const source = new KubernetesTargets({ url: server.url, accountFolder: account.path }, service);
  const stop = new AbortController();
  const ended = source.follow({ clock: systemClock, changed: () => undefined, signal: stop.signal });
  try {
    await eventually(() => source.failures > 0, { what: "a refusal" });
    expect(source.targets).toEqual([]);
    await writeFile(join(account.path, "ca.crt"), ours.cert);
    await eventually(() => source.targets.length === 1, { what: "a target" });
  } finally {
    stop.abort();
    await ended;
  }
});
