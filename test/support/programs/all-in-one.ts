/** Runs all-in-one as a child process on a free port, and queries it. */
import { type Expected, keyOf } from "../sources/dcgm-export.ts";
import { onRuntime, type Program, startProgram } from "./process.ts";

export const startAllInOne = (env: Record<string, string>, runtime: "bun" | "deno" = "bun"): Program =>
  startProgram(onRuntime(runtime, "services/all-in-one/main.ts"), { PORT: "0", LOG_FORMAT: "json", ...env });

/** Environment for one pass over a file at full speed. */
export const onePass = (csv: string, store: string): Record<string, string> => ({
  CSV_PATH: csv,
  SQLITE_PATH: store,
  LOOP_MODE: "false",
  STREAM_INTERVAL: "0",
});

export async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

export interface GpuList {
  readonly gpus: readonly { readonly uuid: string; readonly hostname: string; readonly gpu_index: string }[];
  readonly total: number;
  readonly next: string | null;
}

export interface TelemetryPage {
  readonly telemetry: readonly { readonly metric_name: string; readonly value: number; readonly timestamp: string }[];
  readonly count: number;
  readonly next: string | null;
}

/** Yields all readings of one GPU, page by page, newest first. */
async function* pagesOf(address: string, uuid: string, limit = 10_000): AsyncGenerator<TelemetryPage> {
  for (let after: string | null = ""; after !== null; ) {
    const continued: string = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
    const page: TelemetryPage = await ask(`${address}/api/v1/gpus/${uuid}/telemetry?limit=${limit}${continued}`);
    yield page;
    after = page.next;
  }
}

/**
 * Reads all readings over the API.
 * @param only UUIDs of the GPUs to read; default: all
 * @throws Error when a reading occurs twice
 */
export async function storedReadings(address: string, only?: ReadonlySet<string>): Promise<Expected> {
  const { gpus, total } = await ask<GpuList>(`${address}/api/v1/gpus`);
  if (total !== gpus.length) throw new Error(`total must be the number of listed GPUs, ${gpus.length}, got ${total}`);
  const stored = new Map<string, Map<string, number>>();
  for (const { uuid } of gpus) {
    if (only?.has(uuid) === false) continue;
    const ofGpu = new Map<string, number>();
    for await (const { telemetry } of pagesOf(address, uuid)) {
      for (const { metric_name, timestamp, value } of telemetry) {
        const key = keyOf(metric_name, Date.parse(timestamp));
        if (ofGpu.has(key)) throw new Error(`${uuid} ${key} occurs twice`);
        ofGpu.set(key, value);
      }
    }
    stored.set(uuid, ofGpu);
  }
  return stored;
}

/** Describes up to ten differences: a failing `toEqual` over 100,000 numbers takes minutes. */
export function differences(stored: Expected, expected: Expected): string[] {
  const found: string[] = [];
  const note = (text: string) => found.length < 10 && found.push(text);
  for (const uuid of stored.keys()) if (!expected.has(uuid)) note(`${uuid} is not in the file`);
  for (const [uuid, readings] of expected) {
    const ofGpu = stored.get(uuid);
    if (ofGpu === undefined) {
      note(`${uuid} is missing`);
      continue;
    }
    for (const [key, value] of readings) {
      if (ofGpu.get(key) !== value) note(`${uuid} ${key}: stored ${ofGpu.get(key)}, in the file ${value}`);
    }
    if (ofGpu.size !== readings.size) note(`${uuid}: ${ofGpu.size} readings stored, ${readings.size} in the file`);
  }
  return found;
}

/** Resolves once the streamer logs that the source has ended and the queue has confirmed all of it. */
export const sourceEnded = (program: Program): Promise<unknown> =>
  program.logLine(({ message }) => message === "source ended", { what: "the end of the source", deadlineMs: 150_000 });
