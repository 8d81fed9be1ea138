/** Sources in memory: rows as objects behind the port of sources. They pass `test/conformance/sources.ts`. */
import { AppError } from "../../../schema/model/errors.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import { type HolderSet, NOBODY } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { HEAD_BYTES } from "../../../services/sources/bytes/open-file.ts";
import { continues, fingerprintOf } from "../../../services/sources/files/fingerprint.ts";
import type {
  Fingerprint,
  FoundSource,
  OpenSource,
  Place,
  RowReader,
  RowTarget,
  SkipReason,
  Sources,
} from "../../../services/sources/port.ts";
import { FORM_REASONS } from "../../../services/sources/rows/unread-rows.ts";

export type MemoryRow =
  | {
      readonly gpu: number;
      readonly metric: string;
      readonly at: number;
      readonly value: number;
      readonly pod?: string;
    }
  | { readonly skip: SkipReason };

const uuidOf = (gpu: number): GpuUuid => `GPU-5fd4f087-86f3-7a43-b711-${String(gpu).padStart(12, "0")}` as GpuUuid;

/** Two GPUs on a host. */
export const hostOf = (gpu: number): string => `host-${gpu >> 1}`;

export const factsOf = (gpu: number): GpuFacts => ({
  uuid: uuidOf(gpu),
  index: String(gpu % 2),
  device: `nvidia${gpu % 2}`,
  model: "NVIDIA H100 80GB HBM3",
  host: hostOf(gpu),
  driver: "535.129.03",
  instance: null,
  pciBusId: null,
  profile: null,
  labels: null,
});

const holdersOf = (pod: string): HolderSet =>
  pod === "" ? NOBODY : [{ kind: "pod", namespace: null, pod, container: null, podUid: null }];

/** `gpu series at value`, the form that `storedOf` gives to published readings. */
export const readingText = (gpu: string, series: string, at: number, value: number): string =>
  `${gpu} ${series} ${at} ${value}`;

/** The readings that a store would hold of these rows, sorted: of rows without a pod if there are any, the largest. */
export function readingsOf(rows: readonly MemoryRow[]): string[] {
  const readings = rows.filter((row): row is Extract<MemoryRow, { gpu: number }> => !("skip" in row));
  const cells = Map.groupBy(readings, ({ gpu, metric, at }) => readingText(uuidOf(gpu), metric, at, 0));
  return [...cells.values()]
    .map((cell) => {
      const bare = cell.filter(({ pod = "" }) => pod === "");
      const value = Math.max(...(bare.length > 0 ? bare : cell).map((row) => row.value));
      const [{ gpu, metric, at }] = cell as [(typeof cell)[number]];
      return readingText(uuidOf(gpu), metric, at, value);
    })
    .sort();
}

/** Ticks one second apart, written metric by metric as in exporters' files. */
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
  readonly #source: MemorySource;
  readonly #slots = new Map<string, number>();
  #row: number;
  /** True if this reader, or one before it, has met a row whose form is right. */
  #hasRead: boolean;

  constructor(source: MemorySource, { offset }: Place) {
    this.#source = source;
    this.#row = Math.max(0, offset / ROW_BYTES - 1);
    this.#hasRead = this.#row > 0;
    if (!Number.isInteger(this.#row)) throw new Error(`no row begins at ${offset}`);
  }

  get place(): Place {
    return { offset: (this.#row + 1) * ROW_BYTES, line: this.#row + 2 };
  }

  get bytesRead(): number {
    return (this.#row + 1) * ROW_BYTES;
  }

  async read(target: RowTarget, { signal }: { signal: AbortSignal }): Promise<"stopped" | "end"> {
    for (;;) {
      if (signal.aborted) return "stopped";
      this.#source.failAt(this.#row);
      const row = this.#source.rows[this.#row];
      if (row === undefined) return this.#end();
      const { line } = this.place;
      this.#row++;
      if ("skip" in row) {
        this.#hasRead ||= !FORM_REASONS.has(row.skip);
        target.skip(row.skip, line, () => `row ${line} is bad`);
      } else if (this.#add(target, row, line)) return "stopped";
    }
  }

  #end(): "end" {
    if (this.#hasRead || this.#row === 0) return "end";
    throw new AppError("Cannot read the rows: all are bad", { code: "invalid" });
  }

  #add(target: RowTarget, row: Extract<MemoryRow, { gpu: number }>, line: number): boolean {
    const { gpu, metric, at, value, pod = "" } = row;
    this.#hasRead = true;
    const key = `${gpu} ${metric} ${pod}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = target.slot(factsOf(gpu), metric as Series, holdersOf(pod));
      this.#slots.set(key, slot);
    }
    return slot >= 0 && target.add(slot, at, value, line);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One array of rows: replacing the file leaves it as it is, appending to the array makes it grow. */
class MemorySource implements OpenSource {
  readonly rows: readonly MemoryRow[];
  readonly bytes: number;
  readonly fingerprint: Fingerprint;
  readonly details = {};
  readonly #head: Uint8Array;
  readonly #failAt: (row: number) => void;

  constructor(rows: readonly MemoryRow[], failAt: (row: number) => void) {
    this.rows = rows;
    this.bytes = sizeOf(rows);
    this.#head = headOf(rows);
    this.fingerprint = fingerprintOf(this.#head);
    this.#failAt = failAt;
  }

  failAt(row: number): void {
    this.#failAt(row);
  }

  continues(earlier: Fingerprint): boolean {
    return continues(this.#head, earlier);
  }

  async readFrom(place: Place): Promise<RowReader> {
    return new MemoryReader(this, place);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One more row for the header. */
const sizeOf = (rows: readonly MemoryRow[]): number => (rows.length + 1) * ROW_BYTES;

/** Every row takes at least `ROW_BYTES`, so later rows are not part of the head. */
function headOf(rows: readonly MemoryRow[]): Uint8Array {
  const first = rows.slice(0, HEAD_BYTES / ROW_BYTES).map((row) => JSON.stringify(row));
  return Buffer.from(["header", ...first].map((text) => text.padEnd(ROW_BYTES)).join("")).subarray(0, HEAD_BYTES);
}

export class MemoryFiles implements Sources {
  readonly where = ["/data"];
  readonly contents = new Map<string, MemoryRow[]>();
  /** Files with a wrong header. */
  readonly unreadable = new Set<string>();
  /** By file: the row in front of which reading fails. */
  readonly broken = new Map<string, number>();

  constructor(contents: Readonly<Record<string, readonly MemoryRow[]>>) {
    for (const [path, rows] of Object.entries(contents)) this.contents.set(path, [...rows]);
  }

  failAt(path: string, row: number): void {
    if (this.broken.get(path) === row)
      throw new AppError(`Cannot read ${path}: it is cut short`, { code: "unavailable" });
  }

  async find(): Promise<readonly FoundSource[]> {
    const files = [...this.contents].sort(([a], [b]) => (a < b ? -1 : 1));
    if (files.length === 0) throw new AppError("Cannot read /data: there is no such file", { code: "not_found" });
    return files.map(([path, rows]) => ({ id: path, name: path, bytes: sizeOf(rows) }));
  }

  async open({ name }: FoundSource): Promise<OpenSource> {
    const rows = this.contents.get(name);
    if (rows === undefined) throw new AppError(`Cannot open ${name}: it is gone`, { code: "not_found" });
    if (this.unreadable.has(name)) throw new AppError(`Cannot read ${name}: expected a header`, { code: "invalid" });
    return new MemorySource(rows, (row) => this.failAt(name, row));
  }
}
