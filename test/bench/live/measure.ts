/** One run: subscribers watch while readings are published and joined queries are answered. */
import { join } from "node:path";
import { BUN, startProgram } from "../../support/programs/process.ts";
import { cpuSeconds, residentBytes } from "../proc.ts";
import { quantile } from "../statistics.ts";
import { openDeafSocket, openDeafStream } from "./deaf.ts";
import type { Watcher } from "./frames.ts";
import type { LoadSize, StoredAt } from "./load.ts";
import type { Wiring } from "./wirings.ts";

export interface LiveSize extends LoadSize {
  /** Over each of the two transports. */
  readonly subscribers: number;
}

export const TRANSPORTS = ["websocket", "sse"] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface TransportFigures {
  /** Frames of the subscriber with the fewest. */
  readonly fewestFrames: number;
  /** Frames of all subscribers. */
  readonly frames: number;
  /** Latency from the confirmed save to the client, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Median of the p99 of each second: a pause of the whole machine does not change it. */
  readonly middleSecondP99Ms: number;
  /** p99 of the slowest subscriber. */
  readonly worstP99Ms: number;
  readonly missed: number;
  readonly troubles: readonly string[];
}

export interface LiveFigures {
  readonly transports: Readonly<Record<Transport, TransportFigures>>;
  readonly queries: { readonly count: number; readonly failed: number; readonly p50Ms: number; readonly p99Ms: number };
  readonly processes: Readonly<
    Record<
      string,
      {
        /** Resident memory after 10 s. */
        readonly earlyBytes: number;
        /** Resident memory at the end. */
        readonly lateBytes: number;
        /** All samples in order, one every 5 s. */
        readonly bytes: readonly number[];
        readonly cpuS: number;
      }
    >
  >;
}

const QUESTION = JSON.stringify({
  query: '{ gpus(limit: 10) { total gpus { uuid hostname latest(metrics: ["DCGM_FI_DEV_GPU_TEMP"]) { value } } } }',
});
const ASK_EVERY_MS = 50;
/** By then caches are warm, and the buffers of the clients that never read are full. */
const EARLY_S = 10;

async function askUntil(signal: AbortSignal, url: string) {
  const took: number[] = [];
  let failed = 0;
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/graphql`, { method: "POST", headers, body: QUESTION });
      const { errors } = (await response.json()) as { errors?: unknown };
      if (errors !== undefined) failed++;
    } catch {
      failed++;
    }
    took.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  return { count: took.length, failed, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) };
}

interface Latency {
  readonly ms: number;
  /** Second of the save. */
  readonly second: number;
}

function latencies({ seen }: Watcher, storedAt: StoredAt): Latency[] {
  const found: Latency[] = [];
  for (let n = 0; n < seen.length; n += 2) {
    const stored = storedAt[seen[n] as number];
    if (stored !== undefined) found.push({ ms: (seen[n + 1] as number) - stored, second: Math.floor(stored / 1000) });
  }
  return found;
}

const p99Of = (found: readonly Latency[]): number => {
  const all = found.map(({ ms }) => ms);
  return all.length === 0 ? Number.POSITIVE_INFINITY : quantile(all, 0.99);
};

function figuresOf(watchers: readonly Watcher[], storedAt: StoredAt): TransportFigures {
  const each = watchers.map((watcher) => latencies(watcher, storedAt));
  const all = each.flat();
  const waits = all.map(({ ms }) => ms);
  const seconds = [...Map.groupBy(all, ({ second }) => second).values()].map(p99Of);
  const frames = watchers.map((watcher) => watcher.frames);
  return {
    fewestFrames: Math.min(...frames),
    frames: frames.reduce((sum, n) => sum + n),
    p50Ms: quantile(waits, 0.5),
    p99Ms: quantile(waits, 0.99),
    maxMs: quantile(waits, 1),
    middleSecondP99Ms: quantile(seconds, 0.5),
    worstP99Ms: Math.max(...each.map(p99Of)),
    missed: watchers.reduce((sum, { missed }) => sum + missed, 0),
    troubles: [...new Set(watchers.flatMap(({ trouble }) => trouble ?? []))],
  };
}

export async function measureLive(wiring: Wiring, { subscribers, gpus, seconds }: LiveSize): Promise<LiveFigures> {
  await using opened = new AsyncDisposableStack();
  const { url, pids } = wiring;
  const readers = TRANSPORTS.map((transport) => {
    const args = [transport, url, String(subscribers), String(gpus)];
    const reader = opened.use(startProgram([BUN, join(import.meta.dir, "readers-program.ts"), ...args]));
    return { transport, reader };
  });
  for (const { transport, reader } of readers) {
    const ready = await reader.logLine(({ message }) => message === "ready", {
      what: `all snapshots over ${transport}`,
      deadlineMs: 60_000,
    });
    if (ready.trouble !== null) throw new Error(`A subscriber over ${transport}: ${ready.trouble}`);
  }
  for (const deaf of [await openDeafSocket(url), await openDeafStream(url)]) opened.defer(() => void deaf.destroy());

  const asking = new AbortController();
  const asked = askUntil(asking.signal, url);
  const memory = () => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, residentBytes(pid) ?? 0]));
  const cpu = () => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  const cpuBefore = cpu();
  const samples: ReturnType<typeof memory>[] = [];
  const timer = setInterval(() => samples.push(memory()), Math.min(EARLY_S, seconds / 2) * 500);
  const storedAt = await wiring.publish();
  clearInterval(timer);
  samples.push(memory());
  const cpuAfter = cpu();
  asking.abort();
  const queries = await asked;
  // Leaves the last frames time to arrive.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const seen: [Transport, TransportFigures][] = [];
  for (const { transport, reader } of readers) {
    reader.kill("SIGTERM");
    const said = await reader.logLine(({ message }) => message === "seen", { what: "the report of a reader" });
    seen.push([transport, figuresOf(said.watchers as readonly Watcher[], storedAt)]);
  }
  const processes = Object.keys(pids).map((name) => {
    const cpuS = (cpuAfter[name] ?? 0) - (cpuBefore[name] ?? 0);
    const bytes = samples.map((sample) => sample[name] ?? 0);
    return [name, { earlyBytes: bytes[1] ?? 0, lateBytes: bytes.at(-1) ?? 0, bytes, cpuS }] as const;
  });
  return {
    transports: Object.fromEntries(seen) as Record<Transport, TransportFigures>,
    queries,
    processes: Object.fromEntries(processes),
  };
}
