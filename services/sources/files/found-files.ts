/** The answer to "is my file there?" for whoever sees only the log. */
import { isAppError } from "../../../schema/model/errors.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { readCsvHeader } from "../csv/header.ts";
import { findSources, type SourceFile } from "./source-files.ts";

/** Files shown one by one. */
const SHOWN_FILES = 20;
const SHOWN_LENGTH = 500;

/** A file that cannot be read is named with the reason; what follows from that is for whoever streams it. */
async function describe(file: SourceFile): Promise<Readonly<Record<string, unknown>>> {
  const { path, size: bytes, compression } = file;
  const found = { path, bytes, ...(compression === "none" ? {} : { compression }) };
  try {
    const names = (await readCsvHeader(file)).columns.names.join(",");
    return { ...found, columns: names.length > SHOWN_LENGTH ? `${names.slice(0, SHOWN_LENGTH)}…` : names };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { ...found, problem: error.message };
  }
}

/**
 * Logs which files there are, how large they are and which columns they have.
 * @throws AppError as `findSources`, when there is none
 */
export async function announceFiles(csvPaths: readonly string[], { log }: { log: Logger }): Promise<void> {
  const files = new Map<string, SourceFile>();
  for (const csvPath of csvPaths) for (const file of await findSources(csvPath)) files.set(file.path, file);
  const shown: unknown[] = [];
  for (const file of [...files.values()].slice(0, SHOWN_FILES)) shown.push(await describe(file));
  const bytes = [...files.values()].reduce((sum, { size }) => sum + size, 0);
  log.info("files found", { csvPaths, count: files.size, bytes, files: shown });
}
