/** CSV files in memory, row by row, behind the contracts of the streamer's files and row reader. */
import { AppError } from "../../../schema/model/errors.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { HEAD_BYTES } from "../../../services/sources/files/fingerprint.ts";
import type { SourceFile } from "../../../services/sources/files/source-files.ts";
import type { CsvFiles } from "../../../services/sources/open.ts";
import type { RowPlace, RowReader, RowTarget, SkipReason } from "../../../services/sources/port.ts";

export type MemoryRow =
  | {
      readonly gpu: number;
      readonly metric: string;
      readonly at: number;
      readonly value: number;
      readonly pod?: string;
    }
  | { readonly skip: SkipReason };

export const uuidOf = (gpu: number): GpuUuid =>
  `GPU-00000000-0000-0000-0000-${String(gpu).padStart(12, "0")}` as GpuUuid;

/** Two GPUs on a host. */
export const hostOf = (gpu: number): string => `host-${gpu >> 1}`;

const factsOf = (gpu: number, pod: string): GpuFacts => ({
  uuid: uuidOf(gpu),
  index: String(gpu % 2),
  device: `nvidia${gpu % 2}`,
  model: "NVIDIA H100 80GB HBM3",
  host: hostOf(gpu),
  driver: "535.129.03",
  container: null,
  pod: pod === "" ? null : pod,
  namespace: null,
});

/** `gpu series at value`, as `storedOf` tells what was published. */
export const readingText = (gpu: string, series: string, at: number, value: number): string =>
  `${gpu} ${series} ${at} ${value}`;

/** What a reader of the store would see of these rows, sorted: of one series and time, the larger value. */
export function readingsOf(rows: readonly MemoryRow[]): string[] {
  const values = new Map<string, { gpu: number; metric: string; at: number; value: number }>();
  for (const row of rows) {
    if ("skip" in row) continue;
    const key = `${row.gpu} ${row.metric} ${row.at}`;
    const known = values.get(key);
    if (known === undefined || known.value < row.value) values.set(key, row);
  }
  return [...values.values()].map((row) => readingText(uuidOf(row.gpu), row.metric, row.at, row.value)).sort();
}

/** Ticks a second apart, metric by metric as exporters' files have them. */
export function fleetRows({
  gpus,
  ticks,
  metrics = 2,
}: {
  gpus: number;
  ticks: number;
  metrics?: number;
}): MemoryRow[] {
  const rows: MemoryRow[] = [];
  const start = Date.UTC(2025, 6, 18, 20, 42, 34);
  for (let tick = 0; tick < ticks; tick++) {
    for (let metric = 0; metric < metrics; metric++) {
      for (let gpu = 0; gpu < gpus; gpu++) {
        const at = start + tick * 1000;
        rows.push({ gpu, metric: `DCGM_FI_DEV_TEST_${metric}`, at, value: tick * 1000 + metric * 100 + gpu });
      }
    }
  }
  return rows;
}

const ROW_BYTES = 100;

class MemoryReader implements RowReader {
  readonly #files: MemoryFiles;
  readonly #path: string;
  readonly #slots = new Map<string, number>();
  #row: number;

  constructor(files: MemoryFiles, path: string, from: RowPlace | undefined) {
    this.#files = files;
    this.#path = path;
    this.#row = from === undefined ? 0 : from.offset / ROW_BYTES - 1;
    if (!Number.isInteger(this.#row)) throw new Error(`no row begins at ${from?.offset}`);
  }

  get place(): RowPlace {
    return { offset: (this.#row + 1) * ROW_BYTES, line: this.#row + 2 };
  }

  get bytesRead(): number {
    return (this.#row + 1) * ROW_BYTES;
  }

  async read(target: RowTarget, { signal }: { signal: AbortSignal }): Promise<"stopped" | "end"> {
    for (;;) {
      if (signal.aborted) return "stopped";
      this.#files.failAt(this.#path, this.#row);
      const row = this.#files.contents.get(this.#path)?.[this.#row];
      if (row === undefined) return "end";
      const { line } = this.place;
      this.#row++;
      if ("skip" in row) target.skip(row.skip, line, () => `row ${line} is bad`);
      else if (this.#add(target, row)) return "stopped";
    }
  }

  #add(target: RowTarget, { gpu, metric, at, value, pod = "" }: Extract<MemoryRow, { gpu: number }>): boolean {
    const key = `${gpu} ${metric} ${pod}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = target.slot(factsOf(gpu, pod), metric as Series);
      this.#slots.set(key, slot);
    }
    return slot >= 0 && target.add(slot, at, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class MemoryFiles implements CsvFiles {
  readonly contents = new Map<string, MemoryRow[]>();
  /** A file with a wrong header. */
  readonly unreadable = new Set<string>();
  /** Reading fails with an error in front of this row. */
  readonly broken = new Map<string, number>();

  constructor(contents: Readonly<Record<string, readonly MemoryRow[]>>) {
    for (const [path, rows] of Object.entries(contents)) this.contents.set(path, [...rows]);
  }

  failAt(path: string, row: number): void {
    if (this.broken.get(path) === row)
      throw new AppError(`Cannot read ${path}: it is cut short`, { code: "unavailable" });
  }

  /** The file of that name, or all below it. */
  async find(csvPath: string): Promise<readonly SourceFile[]> {
    const paths = [...this.contents.keys()].filter((path) => path === csvPath || path.startsWith(`${csvPath}/`)).sort();
    if (paths.length === 0) throw new AppError(`Cannot read ${csvPath}: there is no such file`, { code: "not_found" });
    return paths.map((path) => ({ path, size: this.#sizeOf(path), compression: "none" }));
  }

  async head({ path }: SourceFile): Promise<Uint8Array> {
    const text = (this.contents.get(path) ?? []).map((row) => JSON.stringify(row).padEnd(ROW_BYTES)).join("");
    return Buffer.from(text).subarray(0, HEAD_BYTES);
  }

  async open({ path }: SourceFile, { from }: { from?: RowPlace | undefined }): Promise<RowReader> {
    if (!this.contents.has(path)) throw new AppError(`Cannot open ${path}: it is gone`, { code: "not_found" });
    if (this.unreadable.has(path)) throw new AppError(`Cannot read ${path}: expected a header`, { code: "invalid" });
    return new MemoryReader(this, path, from);
  }

  #sizeOf(path: string): number {
    return ((this.contents.get(path)?.length ?? 0) + 1) * ROW_BYTES;
  }
}
