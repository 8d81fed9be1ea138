/** Rows as a DCGM CSV file on disk. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { hostOf, type MemoryRow, uuidOf } from "./memory-files.ts";

export const CSV_HEADER =
  "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,value,labels_raw";

function lineOf(row: MemoryRow): string {
  if ("skip" in row) return "not,a,row";
  const { gpu, metric, at, value, pod = "" } = row;
  const fields = [formatTimestamp(at), metric, gpu % 2, `nvidia${gpu % 2}`, uuidOf(gpu), "NVIDIA H100", hostOf(gpu)];
  return [...fields, "", pod, "", value, ""].map((field) => `"${field}"`).join(",");
}

const PACK = {
  "": (bytes: Buffer) => bytes,
  ".gz": (bytes: Buffer) => gzipSync(bytes),
  ".zst": (bytes: Buffer) => zstdCompressSync(bytes),
};

/** Returns its path. */
export async function writeCsv(
  folder: string,
  rows: readonly MemoryRow[],
  { header = CSV_HEADER, suffix = "" }: { header?: string; suffix?: keyof typeof PACK } = {},
): Promise<string> {
  const path = join(folder, `metrics.csv${suffix}`);
  await writeFile(path, PACK[suffix](Buffer.from(`${[header, ...rows.map(lineOf)].join("\n")}\n`)));
  return path;
}
