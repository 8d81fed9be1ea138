/** Targets from a stand-in for Kubernetes' API server. */
import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { KubernetesTargets } from "../../../services/scraper/targets/kubernetes/kubernetes-targets.ts";
import { EndpointSliceServer, type SliceSpec } from "../../support/kubernetes/endpoint-slices.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { eventually } from "../../support/time/eventually.ts";

const SERVICE = { namespace: "gpu-operator", service: "nvidia-dcgm-exporter", port: undefined };
const slice = (...addresses: string[]): SliceSpec => ({
  service: SERVICE.service,
  endpoints: addresses.map((address) => ({
    address,
    pod: `exporter-${address}`,
    node: `node-${address.split(".").at(-1)}`,
  })),
});

async function openCluster(service: typeof SERVICE | { namespace: string; service: string; port: string } = SERVICE) {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const server = opened.use(new EndpointSliceServer(SERVICE.namespace));
  await server.start();
  const tokenFile = join(folder.path, "token");
  await writeFile(tokenFile, "first\n");
  server.tokens.add("first");
  const source = new KubernetesTargets({ url: server.url, accountFolder: folder.path }, service);
  const stop = new AbortController();
  let ended: Promise<void> | undefined;
  opened.defer(async () => {
    stop.abort();
    await ended;
  });
  const hosts = () => source.targets.map(({ url }) => new URL(url).hostname).sort();
  const all = opened.move();
  return {
    server,
    source,
    rotate: (token: string) => writeFile(tokenFile, token),
    start: () => {
      ended = source.follow({ clock: systemClock, changed: () => undefined, signal: stop.signal });
    },
    has: (...expected: string[]) =>
      eventually(() => Bun.deepEquals(hosts(), expected), { what: `the targets ${expected}` }),
    watching: () => eventually(() => server.watchers === 1, { what: "a watch" }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

test("KubernetesTargets lists a service page by page, with labels as Prometheus attaches them, and follows changes", async () => {
  await using cluster = await openCluster();
  const { server, source } = cluster;
  const many = Array.from({ length: 150 }, (_, number) => `10.1.${Math.floor(number / 100)}.${number % 100}`);
  for (const address of many) server.set(`slice-${address}`, slice(address));
  server.set("other", { ...slice("10.9.9.9"), service: "other" });
  cluster.start();
  await cluster.has(...[...many].sort());
  expect(server.requests.slice(0, 2)).toEqual(["list", "list"]);
  expect(source.targets[0]?.url).toBe("http://10.1.0.0:9400/metrics");
  expect(Object.fromEntries(source.targets[0]?.labels ?? [])).toEqual({
    endpoint: "metrics",
    instance: "10.1.0.0:9400",
    job: "nvidia-dcgm-exporter",
    namespace: "gpu-operator",
    node: "node-0",
    pod: "exporter-10.1.0.0",
    service: "nvidia-dcgm-exporter",
  });
  await cluster.watching();
  for (const address of many.slice(3)) server.delete(`slice-${address}`);
  await cluster.has("10.1.0.0", "10.1.0.1", "10.1.0.2");
  server.set("slice-10.1.0.0", slice("10.1.0.7", "10.1.0.8"));
  server.set("slice-new", slice("10.2.0.1"));
  await cluster.has("10.1.0.1", "10.1.0.2", "10.1.0.7", "10.1.0.8", "10.2.0.1");
  expect(server.requests.filter((request) => request === "list")).toHaveLength(2);
});

test("KubernetesTargets continues after watches that end or break, and misses nothing", async () => {
  await using cluster = await openCluster();
  const { server } = cluster;
  server.set("a", slice("10.0.0.1"));
  cluster.start();
  await cluster.watching();
  for (const [number, end] of (["endWatches", "cutWatches", "endWatches"] as const).entries()) {
    server[end]();
    server.set("b", slice(`10.0.1.${number}`));
    await cluster.has("10.0.0.1", `10.0.1.${number}`);
    await cluster.watching();
  }
  expect(server.requests.filter((request) => request === "list")).toHaveLength(1);
  expect(cluster.source).toMatchObject({ failures: 0, problem: undefined });
});

test("KubernetesTargets lists again once its version has expired, unless a bookmark has moved it on", async () => {
  await using cluster = await openCluster();
  const { server } = cluster;
  server.set("a", slice("10.0.0.1"));
  cluster.start();
  await cluster.watching();
  server.delete("a");
  server.set("b", slice("10.0.0.2"));
  await cluster.has("10.0.0.2");
  server.expire();
  server.bookmark();
  server.endWatches();
  await cluster.watching();
  expect(server.requests.filter((request) => request === "list")).toHaveLength(1);
  // A change that the watch does not get, because it is compacted before the watch is back.
  server.endWatches();
  server.set("b", slice("10.0.0.3"));
  server.expire();
  await cluster.has("10.0.0.3");
  expect(server.requests).toContain("watch 410");
  await cluster.watching();
  server.send({ type: "ERROR", object: { kind: "Status", code: 410, message: "too old" } });
  await eventually(() => server.requests.filter((request) => request === "list").length === 3, {
    what: "another list",
  });
  expect(cluster.source).toMatchObject({ failures: 0, problem: undefined });
});

test("KubernetesTargets keeps its targets over errors and garbage in a watch, and counts them", async () => {
  await using cluster = await openCluster();
  const { server, source } = cluster;
  server.set("a", slice("10.0.0.1"));
  cluster.start();
  const lines: unknown[] = [
    { type: "ERROR", object: { kind: "Status", code: 500, message: "etcd is away" } },
    { type: "MODIFIED", object: { metadata: { name: "a" }, endpoints: "none" } },
    { type: "BOOKMARK", object: {} },
    "{",
  ];
  for (const [number, line] of lines.entries()) {
    await cluster.watching();
    server.send(line);
    await eventually(() => source.failures === number + 1, { what: `failure ${number + 1}` });
    await cluster.has("10.0.0.1");
    await eventually(() => source.problem === undefined, { what: "a new list" });
  }
});

test("KubernetesTargets reads its token for each request, and says why it is refused", async () => {
  await using cluster = await openCluster();
  const { server, source } = cluster;
  server.set("a", slice("10.0.0.1"));
  cluster.start();
  await cluster.watching();
  server.tokens.clear();
  server.tokens.add("second");
  server.endWatches();
  await eventually(() => source.problem?.includes("token is not accepted"), { what: "a refusal" });
  await cluster.has("10.0.0.1");
  await cluster.rotate("second");
  server.set("a", slice("10.0.0.2"));
  await cluster.has("10.0.0.2");
  await eventually(() => source.problem === undefined, { what: "the end of the problem" });
  await using other = await openCluster({ namespace: "elsewhere", service: "x", port: "1" });
  other.start();
  await eventually(() => other.source.problem?.includes("needs a role"), { what: "a hint at the role" });
});

test("KubernetesTargets keeps its targets while the API server is away", async () => {
  await using cluster = await openCluster();
  const { server, source } = cluster;
  server.set("a", slice("10.0.0.1"));
  cluster.start();
  await cluster.watching();
  await server.stop();
  await eventually(() => source.problem !== undefined, { what: "the outage" });
  await cluster.has("10.0.0.1");
  server.set("a", slice("10.0.0.2"));
  await server.start();
  await cluster.has("10.0.0.2");
});
