/** A real Prometheus and a real vmagent scrape a simulated fleet, and send it to all-in-one by remote write. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { DEFAULT_FLEET, type FleetOptions } from "../../data/fleet/options.ts";
import { serveFleet } from "../../data/fleet/serve.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { addressOf, BUN, startProgram } from "../support/programs/process.ts";
import {
  prometheusFolder,
  type SenderSetup,
  startPrometheusSender,
  startVmagent,
} from "../support/receiver/senders.ts";
import { announceBackend, withoutBackend } from "../support/servers/backend.ts";
import { eventually } from "../support/time/eventually.ts";

const MINUTE = 60_000;
const FLEET: FleetOptions = { ...DEFAULT_FLEET, hosts: 2, gpusPerHost: 4, intervalMs: MINUTE, durationMs: 60 * MINUTE };
const UUID = /^DCGM_FI_DEV_GPU_TEMP\{.*UUID="([^"]+)"/gm;

const programs = await prometheusFolder();
const vmagent = Bun.which("vmagent");

type Start = (setup: SenderSetup) => Promise<AsyncDisposable>;
/** vmagent drops labels that begin with `__`. */
const SENDERS: readonly (readonly [name: string, start: Start | null, replicaLabel: string])[] = [
  ["Prometheus", programs === undefined ? null : (setup) => startPrometheusSender(programs, setup), "__replica__"],
  ["vmagent", vmagent === null ? null : (setup) => startVmagent(vmagent, setup), "prometheus_replica"],
];

for (const [name, start, replicaLabel] of SENDERS) {
  if (start === null) {
    withoutBackend(`remote write of ${name}`, `${name} on the PATH, or Debian's package`);
    continue;
  }
  announceBackend("remote write", name);

  test(`${name} brings every GPU of a fleet to the store, and two replicas of it only once`, async () => {
    await using folder = await temporaryFolder();
    await using fleet = await serveFleet({
      fleet: FLEET,
      now: () => 20 * MINUTE,
      port: 0,
      ports: "per-host",
      slowMs: 20,
    });
    const printed = await Promise.all(fleet.metrics.map(async (address) => (await fetch(address)).text()));
    const expected = new Set(printed.flatMap((text) => [...text.matchAll(UUID)].map(([, uuid = ""]) => uuid)));
    await using program = startProgram([BUN, "services/all-in-one/main.ts"], {
      API_PORT: "0",
      CSV_PATH: "none",
      SQLITE_PATH: join(folder.path, "store.sqlite"),
    });
    const address = await addressOf(program);
    const setup = (replica: string): SenderSetup => ({
      targets: fleet.metrics.map((url) => new URL(url).host),
      url: `${address}/api/v1/write`,
      labels: { cluster: "one", [replicaLabel]: replica },
    });
    await using _first = await start(setup("a"));
    const gpus = async () => {
      const answer = (await (await fetch(`${address}/api/v1/gpus`)).json()) as { gpus: readonly { uuid: string }[] };
      return new Set(answer.gpus.map(({ uuid }) => uuid));
    };
    await eventually(async () => (await gpus()).size === expected.size, { what: "every GPU is stored" });
    expect(await gpus()).toEqual(expected);
    await using _second = await start(setup("b"));
    const skipped = /^gpu_telemetry_receiver_samples_skipped_total\{reason="replica"\} [1-9]/m;
    await eventually(async () => skipped.test(await (await fetch(`${address}/metrics`)).text()), {
      what: "samples of the second replica are left out",
    });
  }, 120_000);
}
