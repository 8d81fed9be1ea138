/** Logs which sources exist. For a service without a shell, only its log can show them. */
import { isAppError } from "../../schema/model/errors.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { FoundSource, Sources } from "../sources/port.ts";

/** How many sources are described one by one; the others are only counted. */
const MAX_DESCRIBED = 20;
const MAX_DETAIL_LENGTH = 500;

const shortened = (text: string): string =>
  text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH)}…` : text;

/** Describes a source for the log, by its problem if it cannot be opened. The run decides whether that is an error. */
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
 * Logs the sources with their sizes and columns. Watched sources may be missing.
 * @throws AppError as `Sources.find`, for example if there is no source
 */
export async function announceSources(
  sources: Sources,
  { log, watch }: { log: Logger; watch: boolean },
): Promise<void> {
  const { where } = sources;
  const found = await sources.find().catch((error: unknown) => {
    if (!watch || !isAppError(error)) throw error;
    log.warn("watching, no file yet", { where, reason: error.message });
    return [];
  });
  if (found.length === 0) return;
  const files: unknown[] = [];
  for (const source of found.slice(0, MAX_DESCRIBED)) files.push(await describe(sources, source));
  const bytes = found.reduce((sum, source) => sum + source.bytes, 0);
  log.info("files found", { where, count: found.length, bytes, files });
}
