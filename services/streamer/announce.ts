/** Logs which sources there are: the first question to a log where a service has no shell. */
import { isAppError } from "../../schema/model/errors.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { FoundSource, Sources } from "../sources/port.ts";

/** Sources described one by one. */
const MAX_DESCRIBED = 20;
const MAX_DETAIL_LENGTH = 500;

const shortened = (text: string): string =>
  text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH)}…` : text;

/** A source that cannot be opened is described by its problem; whether that matters is up to the run. */
async function describe(sources: Sources, found: FoundSource): Promise<Readonly<Record<string, unknown>>> {
  const { name: path } = found;
  try {
    await using source = await sources.open(found);
    const details = Object.entries(source.details).map(([name, text]) => [name, shortened(text)]);
    return { path, bytes: source.bytes, ...Object.fromEntries(details) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { path, bytes: found.bytes, problem: error.message };
  }
}

/**
 * Logs the sources with their sizes and columns.
 * @throws AppError if there is none, as `Sources.find`
 */
export async function announceSources(sources: Sources, { log }: { log: Logger }): Promise<void> {
  const found = await sources.find();
  const files: unknown[] = [];
  for (const source of found.slice(0, MAX_DESCRIBED)) files.push(await describe(sources, source));
  const bytes = found.reduce((sum, source) => sum + source.bytes, 0);
  log.info("files found", { where: sources.where, count: found.length, bytes, files });
}
