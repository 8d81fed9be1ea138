/** Where rows come from: what the streamer asks of the files behind a `CSV_PATH`. */
import { open } from "node:fs/promises";
import type { Clock } from "../platform/process/clock.ts";
import { openRows } from "./csv/row-reader.ts";
import { HEAD_BYTES } from "./files/fingerprint.ts";
import { findSources, type SourceFile } from "./files/source-files.ts";
import type { RowPlace, RowReader } from "./port.ts";

export interface CsvFiles {
  /** Never empty. @throws AppError when nothing is there */
  find(csvPath: string): Promise<readonly SourceFile[]>;
  /** The file's first `HEAD_BYTES` bytes as they lie on disk. */
  head(file: SourceFile): Promise<Uint8Array>;
  /** @throws AppError `invalid` for a wrong header, others when the file cannot be read */
  open(file: SourceFile, options: { from?: RowPlace | undefined; clock: Clock }): Promise<RowReader>;
}

async function readHead({ path }: SourceFile): Promise<Uint8Array> {
  await using handle = await open(path, "r");
  const head = new Uint8Array(HEAD_BYTES);
  let length = 0;
  while (length < HEAD_BYTES) {
    const { bytesRead } = await handle.read(head, length, HEAD_BYTES - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

export const filesOnDisk: CsvFiles = { find: findSources, head: readHead, open: openRows };
