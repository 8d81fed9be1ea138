/** DCGM CSV files for tests: rows written field by field, temporary files, and a target that keeps all rows. */
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { UTC } from "../../../schema/dcgm/time-zone.ts";
import type { GpuFacts } from "../../../schema/model/gpu.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { Clock } from "../../../services/platform/process/clock.ts";
import { openText } from "../../../services/sources/bytes/encoding.ts";
import { openFile } from "../../../services/sources/bytes/open-file.ts";
import type { SourcesConfig } from "../../../services/sources/config.ts";
import { readCsvHeader } from "../../../services/sources/csv/header.ts";
import { type RowReaderOptions, readCsvRows } from "../../../services/sources/csv/row-reader.ts";
import type { Format, FormatOptions } from "../../../services/sources/formats/reading.ts";
import { recogniseFormat } from "../../../services/sources/formats/recognise.ts";
import { openSources } from "../../../services/sources/open.ts";
import {
  type FoundSource,
  type Place,
  type RowReader,
  type RowTarget,
  type SkipReason,
  START,
} from "../../../services/sources/port.ts";

export const gpuUuid = (n: number): string => `GPU-5fd4f087-86f3-7a43-b711-${n.toString(16).padStart(12, "0")}`;

export type RowFields = Readonly<Record<string, string>>;

/** The twelve fields of a row of GPU `n`; `given` replaces some. */
export function rowFields(n: number, given: RowFields = {}): Record<string, string> {
  const metric = given.metric_name ?? "DCGM_FI_DEV_GPU_UTIL";
  const uuid = given.uuid ?? gpuUuid(n);
  return {
    timestamp: "2025-07-18T20:42:34Z",
    metric_name: metric,
    gpu_id: String(n),
    device: `nvidia${n}`,
    uuid,
    modelName: "NVIDIA H100 80GB HBM3",
    Hostname: "node-1",
    container: "",
    pod: "",
    namespace: "",
    value: "1",
    labels_raw: `DCGM_FI_DRIVER_VERSION="535.129.03",Hostname="node-1",UUID="${uuid}",__name__="${metric}",gpu="${n}"`,
    ...given,
  };
}

export const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** One quoted line without a newline; `columns` in their order. */
export const rowLine = (
  n: number,
  given: RowFields = {},
  columns: readonly string[] = DCGM_HEADER.split(","),
): string => columns.map((column) => quoted(rowFields(n, given)[column] ?? "")).join(",");

/** The header and these lines, each with a newline. */
export const csvText = (...lines: string[]): string => [DCGM_HEADER, ...lines, ""].join("\n");

export interface TempFiles extends AsyncDisposable {
  readonly path: string;
  /** Returns the path of the file. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  append(name: string, content: string | Uint8Array): Promise<void>;
}

export async function tempFiles(): Promise<TempFiles> {
  const path = await mkdtemp(join(tmpdir(), "dcgm-csv-"));
  return {
    path,
    async write(name, content) {
      const file = join(path, name);
      await writeFile(file, content);
      return file;
    },
    append: (name, content) => appendFile(join(path, name), content),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

export interface Taken {
  /** `<uuid> <series> <ms> <value>`, with `facts` and `holders` as the row gave them. */
  readonly readings: { readonly text: string; readonly facts: GpuFacts; readonly holders: HolderSet }[];
  readonly skips: { readonly reason: SkipReason; readonly line: number; readonly detail: string }[];
  /** Number of calls of `slot()`. */
  asked: number;
}

export const showNumber = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/**
 * A target that keeps all rows.
 * @param options.stopAfter called for the number of readings until the next stop
 * @param options.wants false declines the GPU and series
 */
export function keepRows(
  options: { stopAfter?: () => number; wants?: (facts: GpuFacts, series: Series) => boolean } = {},
): RowTarget & Taken {
  const { stopAfter, wants = () => true } = options;
  const slots: { facts: GpuFacts; series: Series; holders: HolderSet }[] = [];
  let left = stopAfter?.() ?? Number.POSITIVE_INFINITY;
  const kept: RowTarget & Taken = {
    readings: [],
    skips: [],
    asked: 0,
    slot(facts, series, holders) {
      kept.asked += 1;
      return wants(facts, series) ? slots.push({ facts, series, holders }) - 1 : -1;
    },
    add(slot, at, value) {
      const of = slots[slot];
      if (of === undefined) throw new Error(`slot ${slot} was never given`);
      const { facts, series, holders } = of;
      kept.readings.push({ text: `${facts.uuid} ${series} ${at} ${showNumber(value)}`, facts, holders });
      left -= 1;
      if (left > 0) return false;
      left = stopAfter?.() ?? Number.POSITIVE_INFINITY;
      return true;
    },
    skip(reason, line, detail) {
      kept.skips.push({ reason, line, detail: detail() });
    },
    ignored() {},
  };
  return kept;
}

export const untilEnd = { signal: new AbortController().signal };

/** One day after the rows' times; its sleeps end at once. */
export const rowClock: Clock = {
  now: () => Date.UTC(2025, 6, 20),
  monotonic: () => 0,
  sleep: async () => {},
};

export type AnyOptions = Partial<FormatOptions>;

/** Opens a file in whatever format it has, hands it to `use`, and closes it. */
export async function withFormat<T>(
  path: string,
  options: AnyOptions,
  use: (format: Format) => Promise<T>,
): Promise<T> {
  await using file = await openFile(path);
  const usual = { clock: rowClock, rules: usualRules, zone: UTC, host: undefined };
  return await use(await recogniseFormat(await openText(file), { ...usual, ...options }));
}

/** Everything that one reader hands over of a file in any format. */
export const readAny = (path: string, options: AnyOptions = {}): Promise<Taken> =>
  withFormat(path, options, async (format) => {
    await using reader = await format.readFrom(START);
    const kept = keepRows();
    await reader.read(kept, untilEnd);
    return kept;
  });

/** The same, with a new reader after every `length` readings. */
export const readAnyInSteps = (path: string, length: number, options: AnyOptions = {}): Promise<Taken> =>
  withFormat(path, options, async (format) => {
    const kept = keepRows({ stopAfter: () => length });
    let place = START;
    for (let outcome = "stopped"; outcome === "stopped"; ) {
      await using reader = await format.readFrom(place);
      outcome = await reader.read(kept, untilEnd);
      ({ place } = reader);
    }
    return kept;
  });

/** Everything that the sources hand over of one file, read as a program reads it. */
export async function readSource(path: string, options: Partial<Omit<SourcesConfig, "paths">> = {}): Promise<Taken> {
  const { timeZone = "UTC", labels = DEFAULT_LABELS, host } = options;
  const sources = openSources(
    { kind: "files", paths: [path], copies: new Map(), labels, timeZone, host },
    { clock: rowClock },
  );
  const [found] = await sources.find();
  await using source = await sources.open(found as FoundSource);
  await using reader = await source.readFrom(START);
  const kept = keepRows();
  await reader.read(kept, untilEnd);
  return kept;
}

export const usualRules = createLabelRules(DEFAULT_LABELS);

export type OpenRowsOptions = Partial<RowReaderOptions> & { readonly from?: Place | undefined };

/** A reader that owns its file. */
export async function openRows(path: string, options: OpenRowsOptions = {}): Promise<RowReader> {
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await openFile(path));
  const text = await openText(file);
  const { from = START, clock = rowClock, rules = usualRules, ...limits } = options;
  const reader = opened.use(
    await readCsvRows(text, readCsvHeader(text), from, { clock, rules, mayBeUnreadable: true, ...limits }),
  );
  const all = opened.move();
  return {
    read: (target, reading) => reader.read(target, reading),
    get place() {
      return reader.place;
    },
    get bytesRead() {
      return reader.bytesRead;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Everything that one reader hands over until the end. */
export async function readAll(
  path: string,
  options: OpenRowsOptions = {},
): Promise<Taken & { place: Place; bytesRead: number }> {
  await using reader = await openRows(path, options);
  const kept = keepRows();
  await reader.read(kept, untilEnd);
  return { ...kept, place: reader.place, bytesRead: reader.bytesRead };
}
