/** DCGM exports for tests, with their readings according to a plain CSV parser. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { ROOT } from "../programs/process.ts";

/** Values by GPU UUID, then by `keyOf(series, at)`. */
export type Expected = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface DcgmExport {
  readonly path: string;
  readonly readings: number;
  readonly expected: Expected;
}

export const keyOf = (series: string, at: number): string => `${series} ${at}`;

/** The name of the series in the API, where a MIG instance has a series of its own. */
function seriesOf({ metric_name = "", labels_raw = "" }: Record<string, string>): string {
  const instance = /\bGPU_I_ID="(\d+)"/.exec(labels_raw)?.[1];
  return instance === undefined ? metric_name : `${metric_name}{GPU_I_ID="${instance}"}`;
}

function readExport(path: string): DcgmExport {
  const expected = new Map<string, Map<string, number>>();
  let readings = 0;
  const rows = parse(readFileSync(path), { columns: true }) as Record<string, string>[];
  for (const row of rows) {
    const { uuid = "", timestamp = "", value } = row;
    let ofGpu = expected.get(uuid);
    if (ofGpu === undefined) {
      ofGpu = new Map();
      expected.set(uuid, ofGpu);
    }
    ofGpu.set(keyOf(seriesOf(row), Date.parse(timestamp)), Number(value));
    readings++;
  }
  return { path, readings, expected };
}

async function generate(path: string, options: readonly string[]): Promise<DcgmExport> {
  const generator = Bun.spawn([process.execPath, "data/generate.ts", ...options, "--out", path], {
    cwd: ROOT,
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await generator.exited) !== 0) throw new Error(`data/generate.ts ${options.join(" ")} failed`);
  return readExport(path);
}

const REAL = join(ROOT, "../shared/data/dcgm_metrics_20250718_134233.csv");

/** The sample has another seed, and so other GPUs. */
const SMALL = ["--hosts", "19", "--gpus", "13", "--interval", "15s", "--duration", "15s", "--seed", "247"];

/** A real export of 247 GPUs and ten metrics if it is available, otherwise a generated one of the same shape. */
export const smallExport = (folder: string): Promise<DcgmExport> =>
  existsSync(REAL) ? Promise.resolve(readExport(REAL)) : generate(join(folder, "small.csv"), SMALL);

/** About 85,000 readings of 24 GPUs: large enough to interrupt an import at full speed. */
export const largeExport = (folder: string): Promise<DcgmExport> =>
  generate(join(folder, "large.csv"), ["--hosts", "3", "--gpus", "8", "--interval", "15s", "--duration", "1h"]);

/** About 2,000 readings of 8 GPUs: small enough for a store that scans everything for each GPU. */
export const tinyExport = (folder: string): Promise<DcgmExport> =>
  generate(join(folder, "tiny.csv"), ["--hosts", "1", "--gpus", "8", "--interval", "15s", "--duration", "5m"]);
