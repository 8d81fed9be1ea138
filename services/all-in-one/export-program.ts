/** Writes the readings of the store to a file, with the code that answers `GET /api/v1/telemetry`. */
import { createWriteStream, existsSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { AppError } from "../../schema/model/errors.ts";
import { createApi } from "../api-gateway/service.ts";
import { createInventorySchema } from "../inventory/schema.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { INTERRUPTED, runProgram } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { createPipelineSchema } from "../queue-service/schema.ts";
import { createTelemetrySchema } from "../telemetry/schema.ts";
import { type Backends, openBackends } from "./backends.ts";
import { type ExportConfig, readExportConfig, storePlace } from "./config.ts";
import { formatBytes, formatCount, formatSpan } from "./figures.ts";

/** How often progress is shown on a terminal, and otherwise. */
const REDRAW_MS = 100;
const LINE_MS = 2000;
const LINE_FEED = 0x0a;

/** Counts lines and bytes on their way to the file. */
function createCounter(onProgress: (lines: number) => void): Transform {
  let lines = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
      onProgress(lines);
      done(null, chunk);
    },
  });
}

function createProgress(startedAt: number) {
  const { isTTY } = process.stderr;
  let shownAt = startedAt;
  let drawn = false;
  return {
    show(readings: number): void {
      const now = systemClock.monotonic();
      if (now - shownAt < (isTTY ? REDRAW_MS : LINE_MS)) return;
      shownAt = now;
      const took = Math.max(1, now - startedAt);
      const text = `${formatCount(readings)} readings · ${formatCount((readings / took) * 1000)} readings/s · ${formatSpan(took)}`;
      process.stderr.write(isTTY ? `\r\x1b[2K${text}` : `${text}\n`);
      drawn = isTTY === true;
    },
    clear(): void {
      if (drawn) process.stderr.write("\r\x1b[2K");
      drawn = false;
    },
  };
}

interface ExportParts {
  readonly backends: Backends;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Asks the API of this process. @throws AppError `invalid` with the API's explanation */
async function openRows(
  { api: config }: ExportConfig,
  { backends: { repository, queue, liveFeed, health }, log, signal }: ExportParts,
  { query, accept }: { query: URLSearchParams; accept: string },
): Promise<ReadableStream<Uint8Array>> {
  const clock = systemClock;
  const api = await createApi({
    subgraphs: {
      inventory: createInventorySchema({ repository }),
      telemetry: createTelemetrySchema({ repository, feed: liveFeed }),
      pipeline: createPipelineSchema({ queue, clock }),
    },
    config,
    log,
    metrics: createMetrics(),
    clock,
    health,
    signal,
  });
  const response = await api.fetch(new Request(`http://localhost/api/v1/telemetry?${query}`, { headers: { accept } }));
  if (response.status === 200 && response.body !== null) {
    const note = response.headers.get("note");
    if (note !== null) process.stderr.write(`${note}\n`);
    return response.body;
  }
  const { detail } = (await response.json()) as { detail: string };
  throw new AppError(detail, { code: "invalid" });
}

/** Writes the file under another name first, so that a file of that name is always whole. */
async function write(file: string, query: URLSearchParams, config: ExportConfig, parts: ExportParts): Promise<number> {
  const { store } = config.backends;
  const accept = /\.ndjson/.test(file) ? "application/x-ndjson" : "text/csv";
  const rows = await openRows(config, parts, { query, accept });
  const packer = file.endsWith(".zst") ? [createZstdCompress()] : file.endsWith(".gz") ? [createGzip()] : [];
  const part = `${file}.part`;
  const startedAt = systemClock.monotonic();
  const progress = createProgress(startedAt);
  // CSV has a header line.
  const heads = accept === "text/csv" ? 1 : 0;
  let readings = 0;
  const counter = createCounter((lines) => {
    readings = Math.max(0, lines - heads);
    progress.show(readings);
  });
  try {
    const body = Readable.from(rows as AsyncIterable<Uint8Array>, { objectMode: false });
    await pipeline([body, counter, ...packer, createWriteStream(part)], { signal: parts.signal });
    await rename(part, file);
  } catch (error) {
    progress.clear();
    await rm(part, { force: true });
    if (parts.signal.aborted) return INTERRUPTED;
    throw new AppError(`Cannot write ${file}: the readings could not all be read or written`, {
      code: "unavailable",
      cause: error,
    });
  }
  progress.clear();
  const { size } = await stat(file);
  const took = formatSpan(systemClock.monotonic() - startedAt);
  process.stdout.write(
    `Exported ${formatCount(readings)} readings in ${took}\nFrom     ${storePlace(store)}\nTo       ${file} (${formatBytes(size)})\n`,
  );
  return 0;
}

/** Runs the export and ends the process. @param query parameters of `GET /api/v1/telemetry` */
export const exportReadings = (file: string, query: URLSearchParams): Promise<never> =>
  runProgram("export", {
    read: () => readExportConfig(readEnvironment(), { isTerminal: process.stderr.isTTY === true }),
    output: process.stderr,
    run: async (config, { log, signal }) => {
      const { store } = config.backends;
      if (store.kind === "sqlite" && !existsSync(store.path)) {
        throw new AppError(`SQLITE_PATH must be a store, got ${store.path}, which does not exist`, { code: "invalid" });
      }
      await using backends = await openBackends(config.backends, { clock: systemClock, log });
      return await write(file, query, config, { backends, log, signal });
    },
  });
