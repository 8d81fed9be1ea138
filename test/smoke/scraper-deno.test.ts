/**
 * The scraper on Bun and on Deno: finds exporters through EndpointSlices over TLS and through an HTTP list, and sends
 * what it scrapes. On both, its lock keeps others from its spool.
 */
import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../services/platform/process/clock.ts";
import { openMemoryQueue } from "../../services/queue/memory/queue.ts";
import { EndpointSliceServer } from "../support/kubernetes/endpoint-slices.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { onRuntime, startProgram } from "../support/programs/process.ts";
import { openQueueServer } from "../support/queue/queue-server.ts";
import { serveSmallFleet, spooledBatches } from "../support/scraper/spooled.ts";
import { createAuthority } from "../support/servers/certificates.ts";
import { batchesIn } from "../support/streamer/streamed.ts";
import { eventually } from "../support/time/eventually.ts";

for (const runtime of ["bun", "deno"] as const) {
  test(`scraper on ${runtime} finds exporters, sends each scrape once and ends on SIGTERM`, async () => {
    await using folder = await temporaryFolder();
    await using fleet = await serveSmallFleet("per-host");
    await using listed = await serveSmallFleet("one");
    const authority = createAuthority("Cluster");
    await using cluster = new EndpointSliceServer("gpu-operator", authority.issue("127.0.0.1"));
    await cluster.start();
    cluster.tokens.add("token");
    await writeFile(join(folder.path, "token"), "token");
    await writeFile(join(folder.path, "ca.crt"), authority.cert);
    for (const [number, url] of fleet.metrics.entries()) {
      cluster.set(`slice-${number}`, {
        service: "nvidia-dcgm-exporter",
        endpoints: [{ address: "127.0.0.1", pod: `exporter-${number}`, node: `node-${number}` }],
        ports: [{ name: "gpu-metrics", port: Number(new URL(url).port) }],
      });
    }
    await using queue = openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 });
    await using server = await openQueueServer(queue);
    const spool = join(folder.path, "spool");
    const env = {
      QUEUE_SERVICE_URL: server.url,
      SCRAPE_KUBERNETES: "gpu-operator/nvidia-dcgm-exporter",
      SCRAPE_KUBERNETES_API: cluster.url,
      SCRAPE_KUBERNETES_ACCOUNT: folder.path,
      SCRAPE_HTTP_SD: listed.targets,
      SCRAPE_INTERVAL: "1s",
      SPOOL_PATH: spool,
      PORT: "0",
    };
    await using program = startProgram(onRuntime(runtime, "services/scraper/main.ts"), env);
    await eventually(async () => (await queue.stats()).counters.published >= 12, { what: "twelve scrapes" });
    cluster.delete("slice-0");
    await program.logLine(({ message, removed }) => message === "targets changed" && removed === 1, {
      what: "a target is removed",
    });
    const other = runtime === "bun" ? "deno" : "bun";
    await using second = startProgram(onRuntime(other, "services/scraper/main.ts"), env);
    expect(await second.exited).toBe(1);
    expect(second.output.stdout).toContain("folder must be one that no other process uses");
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    const recorded = await spooledBatches(spool);
    const sent = await batchesIn(queue);
    expect(sent.length).toBe(recorded.length);
    const hosts = new Set(sent.flatMap(({ sightings }) => sightings.map(({ facts }) => facts.host)));
    expect(hosts.size).toBeGreaterThanOrEqual(3);
  }, 60_000);
}
