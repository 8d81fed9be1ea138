import { expect, test } from "bun:test";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { buildLedger } from "../../../data/fleet/ledger.ts";
import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import { type ServeOptions, serveFleet } from "../../../data/fleet/serve.ts";
import { type FleetRow, fleetRows } from "../../support/fleet/rows.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";
import { eventually } from "../../support/time/eventually.ts";

const MINUTE = 60_000;
const FLEET: FleetOptions = {
  ...DEFAULT_FLEET,
  hosts: 5,
  gpusPerHost: 3,
  intervalMs: MINUTE,
  durationMs: 8 * 60 * MINUTE,
  mig: true,
  timeSlicing: true,
  slurm: true,
  faults: true,
};

/** A served fleet whose time the test owns. */
async function served(options: Partial<ServeOptions> = {}) {
  let nowMs = 0;
  const server = await serveFleet({ fleet: FLEET, now: () => nowMs, port: 0, ports: "one", slowMs: 20, ...options });
  return {
    server,
    setTime(ms: number) {
      nowMs = ms;
    },
    /** The body, or null if the exporter closes the connection without an answer. */
    async scrape(host: number): Promise<string | null> {
      const answer = await fetch(server.metrics[host]!).catch(() => null);
      return answer === null ? null : answer.text();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Reads the text format line by line, and insists on the exporter's exact form. */
function textRows(text: string, at: number): FleetRow[] {
  const rows: FleetRow[] = [];
  let metric = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (kind === "HELP") metric = name!;
      else expect([name, rest === "gauge" || rest === "counter"]).toEqual([metric, true]);
      continue;
    }
    const match = /^(\w+)\{((?:\w+="[^"]*",?)+)\} (\d+(?:\.\d{6})?)$/.exec(line);
    if (match === null) throw new Error(`The line must be a sample of dcgm-exporter, got ${line}`);
    const [, name, labels, value] = match;
    expect(name).toBe(metric);
    const pairs = [...labels!.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label!, text!] as const);
    rows.push({ at, metric, value: Number(value), labels: new Map(pairs) });
  }
  return rows;
}

const shown = (row: FleetRow): string =>
  `${row.at} ${row.metric} ${row.value} ${JSON.stringify([...row.labels].sort())}`;

test("the exporters print the readings of the CSV, host by host and tick by tick", async () => {
  await using fleet = await served();
  const byTime = Map.groupBy(fleetRows(fleetCsv(FLEET, "labels_raw")), (row) => row.at);
  let silences = 0;
  for (let tick = 0; tick < 150; tick++) {
    // Between two ticks, an exporter repeats what it collected last.
    fleet.setTime(tick * MINUTE + (tick % 3) * 10_000);
    const at = FLEET.startMs + tick * MINUTE;
    const bodies = await Promise.all(fleet.server.metrics.map((_, host) => fleet.scrape(host)));
    silences += bodies.filter((body) => body === null).length;
    const printed = bodies.flatMap((body) => (body === null ? [] : textRows(body, at)));
    expect(printed.map(shown).sort()).toEqual((byTime.get(at) ?? []).map(shown).sort());
  }
  expect(silences).toBeGreaterThan(5);
});

test("a body has the bytes of dcgm-exporter's template", async () => {
  const fleet = { ...FLEET, hosts: 2, gpusPerHost: 1, timeSlicing: false, slurm: false, faults: false };
  await using exporters = await served({ fleet });
  const { gpu: uuid, from } = buildLedger(fleet).holds.find((hold) => hold.instance !== null)!;
  exporters.setTime(from - fleet.startMs);
  const body = (await exporters.scrape(0))!;
  const card = `gpu="0",UUID="${uuid}",pci_bus_id="00000000:18:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3"`;
  const host = 'Hostname="gpu-node-001",DCGM_FI_DRIVER_VERSION="550.90.07"';
  expect(body).toStartWith(
    `# HELP DCGM_FI_DEV_SM_CLOCK SM clock frequency (in MHz).\n# TYPE DCGM_FI_DEV_SM_CLOCK gauge\nDCGM_FI_DEV_SM_CLOCK{${card},${host}} `,
  );
  expect(body).toContain(
    `\n# HELP DCGM_FI_DEV_XID_ERRORS Value of the last XID error encountered.\n# TYPE DCGM_FI_DEV_XID_ERRORS gauge\nDCGM_FI_DEV_XID_ERRORS{${card},${host},err_code="0",err_msg="No Error"} 0\n`,
  );
  const instance = new RegExp(
    String.raw`\nDCGM_FI_PROF_GR_ENGINE_ACTIVE\{${card},GPU_I_PROFILE="[^"]+",GPU_I_ID="\d",${host},container="\w+",namespace="[\w-]+",pod="[\w-]+",pod_uid="[0-9a-f-]{36}"\} 0\.\d{6}\n`,
  );
  expect(body).toMatch(instance);
  const whole = buildLedger(fleet).holds.find((hold) => hold.instance === null)!;
  exporters.setTime(whole.from - fleet.startMs);
  expect(await exporters.scrape(1)).toMatch(
    /\nDCGM_FI_DEV_XID_ERRORS\{gpu="0".*",container="\w+",err_code="0",err_msg="No Error",namespace="[\w-]+",pod="[\w-]+",pod_uid="[0-9a-f-]{36}"\} 0\n/,
  );
  expect(body).toEndWith("\n");
  expect(body).not.toContain("\n\n");
});

test("a silent host closes connections, and a slow one does so after a while", async () => {
  const { events } = buildLedger(FLEET);
  await using fleet = await served();
  for (const kind of ["silent", "slow"] as const) {
    const found = events.find((event) => event.kind === kind && event.to - event.from > 6 * MINUTE);
    if (found?.kind !== kind) throw new Error(`The fleet has no host that is ${kind} for six minutes`);
    const host = Number(found.host.slice(-3)) - 1;
    const answers: boolean[] = [];
    for (let minute = 1; minute <= 4; minute++) {
      fleet.setTime(Math.ceil((found.from - FLEET.startMs) / MINUTE + minute) * MINUTE);
      answers.push((await fleet.scrape(host)) !== null);
    }
    expect(answers.filter((answered) => answered).length).toBe(kind === "silent" ? 0 : 1);
  }
});

test("/targets lists the exporters in the form of http_sd, with the target's own labels", async () => {
  await using one = await served({ fleet: { ...FLEET, scrape: "rename" } });
  await using each = await served({ fleet: { ...FLEET, hostIs: "pod" }, ports: "per-host" });
  const targets = async (url: string) => (await fetch(url)).json() as Promise<{ targets: string[]; labels: Labels }[]>;
  type Labels = Record<string, string>;
  const [first] = await targets(one.server.targets);
  expect(first).toMatchObject({
    targets: [new URL(one.server.targets).host],
    labels: { __metrics_path__: "/gpu-node-001/metrics", instance: "10.0.0.0:9400", job: "nvidia-dcgm-exporter" },
  });
  const listed = await targets(each.server.targets);
  expect(new Set(listed.map((target) => target.targets[0])).size).toBe(FLEET.hosts);
  expect(listed[1]!.labels).toMatchObject({ __metrics_path__: "/metrics", node: "gpu-node-002" });
  const answer = await fetch(each.server.metrics[0]!);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await answer.text()).toMatch(/Hostname="nvidia-dcgm-exporter-\w{5}"/);
  expect((await fetch(`http://${listed[0]!.targets[0]}/nothing`)).status).toBe(404);
});

test("bun run fleet --serve serves until it is told to stop, or the simulation ends", async () => {
  const options = ["--serve", "--port", "0", "--hosts", "1", "--gpus", "1"];
  await using program = startProgram([BUN, "data/fleet/main.ts", ...options]);
  const address = await eventually(() => /http:\/\/\S+(?=\n)/.exec(program.output.stdout)?.[0] ?? "", {
    what: "an address",
  });
  const [target] = (await (await fetch(address)).json()) as [{ targets: [string] }];
  expect(await (await fetch(`http://${target.targets[0]}/gpu-node-001/metrics`)).text()).toStartWith("# HELP ");
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
  await using short = startProgram([BUN, "data/fleet/main.ts", ...options, "--duration", "1m", "--speed", "10000"]);
  expect(await short.exited).toBe(0);
});
