/** The other side: VictoriaMetrics from its Debian package, started and stopped in each round. */
import { join } from "node:path";
import { freePort } from "../support/servers/free-port.ts";
import { eventually } from "../support/time/eventually.ts";
import { bytesUnder, type Figures } from "./figures.ts";
import type { Input } from "./input.ts";
import { cpuSeconds, peakBytes } from "./proc.ts";
import type { Workspace } from "./workspace.ts";

const BINARIES = ["victoria-metrics", "victoria-metrics-prod"];
/** The folders of readings and their index. The caches (2 MB and more) do not count, because it can rebuild them. */
const KEPT = ["data", "indexdb", "metadata"];

/** @throws Error that says how to install VictoriaMetrics */
export function findVictoriaMetrics(): string {
  const found = BINARIES.map((name) => Bun.which(name)).find((path) => path !== null);
  if (found !== undefined) return found;
  throw new Error("victoria-metrics is not installed: apt-get install victoria-metrics (Debian 12 and later)");
}

interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  /** Sends SIGINT and waits for the end. */
  stop(): Promise<void>;
}

async function startServer(binary: string, data: string, signal: AbortSignal): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const options = [`-storageDataPath=${data}`, `-httpListenAddr=${address}`, "-retentionPeriod=100y"];
  const child = Bun.spawn([binary, ...options, "-loggerLevel=ERROR"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    signal,
  });
  const stop = async () => {
    child.kill("SIGINT");
    await child.exited;
  };
  const healthy = async () => {
    if (child.exitCode !== null) throw new Error(`${binary} exited with status ${child.exitCode} before it listened`);
    return await fetch(`http://${address}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
  };
  try {
    await eventually(healthy, { what: "VictoriaMetrics answers" });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid, url: `http://${address}`, stop, [Symbol.asyncDispose]: stop };
}

async function ask(url: string, init: RequestInit): Promise<string> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`VictoriaMetrics answered ${answer.status} to ${url}: ${text.slice(0, 500)}`);
  return text;
}

/** Counts the readings of all series of the last ten years. */
async function countReadings(url: string, signal: AbortSignal): Promise<number> {
  const at = Math.ceil(Date.now() / 1000) + 86_400;
  const query = new URLSearchParams({ query: "sum(count_over_time(dcgm[3650d]))", time: String(at), nocache: "1" });
  const text = await ask(`${url}/api/v1/query?${query}`, { signal });
  const answer = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}

/**
 * Measures from the first byte sent until a query counts every reading; the start of the server does not count. The CSV
 * header is sent too: VictoriaMetrics skips it as a line that it cannot parse.
 * @throws Error when the count differs from the readings sent
 */
export async function measureVictoriaMetrics(binary: string, input: Input, workspace: Workspace): Promise<Figures> {
  const data = await workspace.folder("victoria-metrics");
  const { signal } = workspace;
  await using server = await startServer(binary, data, signal);
  const cpuBefore = cpuSeconds(server.pid);
  const startedAt = performance.now();
  const format = new URLSearchParams({ format: input.form.imported });
  await ask(`${server.url}/api/v1/import/csv?${format}`, { method: "POST", body: Bun.file(input.path), signal });
  await ask(`${server.url}/internal/force_flush`, { signal });
  const stored = await countReadings(server.url, signal);
  const wallS = (performance.now() - startedAt) / 1000;
  const cpuS = cpuSeconds(server.pid) - cpuBefore;
  const peak = peakBytes(server.pid);
  if (stored !== input.readings) throw new Error(`VictoriaMetrics stored ${stored} readings of ${input.readings}`);
  if (peak === null) throw new Error("VictoriaMetrics ended before it was measured");
  await server.stop();
  const kept = await Promise.all(KEPT.map((folder) => bytesUnder(join(data, folder))));
  const diskBytes = kept.reduce((sum, bytes) => sum + bytes, 0);
  return { wallS, readingsPerS: input.readings / wallS, cpuS, peakBytes: peak, diskBytes };
}
