/** all-in-one scrapes a simulated fleet and is killed: every GPU is there, with the holder that its exporter names. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { DEFAULT_FLEET, type FleetOptions } from "../../data/fleet/options.ts";
import { serveFleet } from "../../data/fleet/serve.ts";
import { parseSeriesText } from "../../schema/dcgm/series-text.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { addressOf, BUN, startProgram } from "../support/programs/process.ts";
import { eventually } from "../support/time/eventually.ts";

const MINUTE = 60_000;
const FLEET: FleetOptions = { ...DEFAULT_FLEET, hosts: 3, gpusPerHost: 4, intervalMs: MINUTE, durationMs: 60 * MINUTE };

interface Gpu {
  readonly uuid: string;
  readonly pod: string | null;
}

/** GPUs as their exporters print them now, by uuid, with the pod. */
async function printedGpus(addresses: readonly string[]): Promise<Gpu[]> {
  const found = new Map<string, string | null>();
  for (const address of addresses) {
    for (const line of (await (await fetch(address)).text()).split("\n")) {
      if (!line.startsWith("DCGM_FI_DEV_GPU_TEMP{")) continue;
      const series = parseSeriesText(line.slice(0, line.lastIndexOf("}") + 1));
      if (!series.ok) throw new Error(series.error);
      found.set(series.value.labels.get("UUID") ?? "", series.value.labels.get("pod") || null);
    }
  }
  return [...found].map(([uuid, pod]) => ({ uuid, pod })).sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

async function storedGpus(address: string): Promise<Gpu[]> {
  const { gpus } = (await (await fetch(`${address}/api/v1/gpus`)).json()) as { gpus: readonly Gpu[] };
  return gpus.map(({ uuid, pod }) => ({ uuid, pod })).sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

async function timesOf(address: string, uuid: string): Promise<string[]> {
  const url = `${address}/api/v1/gpus/${uuid}/telemetry?metric=DCGM_FI_DEV_GPU_TEMP`;
  const { telemetry } = (await (await fetch(url)).json()) as { telemetry: readonly { timestamp: string }[] };
  return telemetry.map(({ timestamp }) => timestamp);
}

test("all-in-one stores what it scrapes, over kills, and names the holders", async () => {
  await using folder = await temporaryFolder();
  await using fleet = await serveFleet({
    fleet: FLEET,
    now: () => 20 * MINUTE,
    port: 0,
    ports: "per-host",
    slowMs: 20,
  });
  const expected = await printedGpus(fleet.metrics);
  const [{ uuid } = { uuid: "" }] = expected;
  const start = () =>
    startProgram([BUN, "services/all-in-one/main.ts"], {
      API_PORT: "0",
      SCRAPE_TARGETS: fleet.metrics.join(),
      SCRAPE_INTERVAL: "1s",
      SPOOL_PATH: join(folder.path, "spool"),
      SQLITE_PATH: join(folder.path, "store.sqlite"),
    });
  let before: string[] = [];
  for (let life = 0; life < 3; life++) {
    await using program = start();
    const address = await addressOf(program);
    await eventually(async () => (await timesOf(address, uuid).catch(() => [])).length >= before.length + 2, {
      what: "two more readings are stored",
    });
    await eventually(async () => (await storedGpus(address)).length === expected.length, {
      what: "every GPU is stored",
    });
    expect(await storedGpus(address)).toEqual(expected);
    const times = await timesOf(address, uuid);
    expect(new Set(times).size).toBe(times.length);
    expect(times).toEqual(expect.arrayContaining(before));
    before = times;
    program.kill("SIGKILL");
    await program.exited;
  }
}, 120_000);
