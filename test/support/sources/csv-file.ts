/** Writes rows as a DCGM CSV file on disk. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { factsOf, type MemoryRow } from "./memory-files.ts";

export const CSV_HEADER =
  "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,value,labels_raw";

const lineOf = (row: MemoryRow): string => ("skip" in row ? "not,a,row" : readingLine(row));

function readingLine({ gpu, metric, at, value, pod = "" }: Extract<MemoryRow, { gpu: number }>): string {
  const { uuid, index, device, model, host, driver } = factsOf(gpu);
  const labels = `DCGM_FI_DRIVER_VERSION=""${driver}""`;
  const fields = [formatTimestamp(at), metric, index, device, uuid, model, host, "", pod, "", value, labels];
  return fields.map((field) => `"${field}"`).join(",");
}

export const CSV_SUFFIXES = ["", ".gz", ".zst"] as const;
export type CsvSuffix = (typeof CSV_SUFFIXES)[number];

/** Compresses text as files of this suffix are; the results of several calls may be joined. */
export function packCsv(text: string, suffix: CsvSuffix): Buffer {
  const bytes = Buffer.from(text);
  return suffix === ".gz" ? gzipSync(bytes) : suffix === ".zst" ? zstdCompressSync(bytes) : bytes;
}

/** Lines without a header. Skipped rows are written with too few fields, whatever their reason. */
export const csvLines = (rows: readonly MemoryRow[]): string => rows.map((row) => `${lineOf(row)}\n`).join("");

export const csvBytes = (rows: readonly MemoryRow[], { header = CSV_HEADER, suffix = "" as CsvSuffix } = {}): Buffer =>
  packCsv(`${header}\n${csvLines(rows)}`, suffix);

/** Returns the path of the file. */
export async function writeCsv(
  folder: string,
  rows: readonly MemoryRow[],
  { suffix = "" as CsvSuffix, ...options }: { header?: string; suffix?: CsvSuffix } = {},
): Promise<string> {
  const path = join(folder, `metrics.csv${suffix}`);
  await writeFile(path, csvBytes(rows, { suffix, ...options }));
  return path;
}
