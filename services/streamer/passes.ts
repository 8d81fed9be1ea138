/** Streams what `CSV_PATH` names, file after file, pass after pass. */
import { isAppError } from "../../schema/model/errors.ts";
import type { SourceFile } from "../sources/files/source-files.ts";
import { type FileOutcome, streamFile } from "./file-stream.ts";
import type { Run } from "./run.ts";
import { openSource, type Source, sourceName } from "./send/producer.ts";

/** Rest after a pass that brought nothing, so that a loop over nothing does not spin. */
const IDLE_MS = 1000;

/**
 * Ends at the end of the first pass, when looping by the run's signal. Looping goes on in the pass that the most advanced
 * file had come to. New files are found, and gone ones let go, at the start of each pass.
 * @throws as `runStreamer`
 */
export async function streamPasses(run: Run): Promise<void> {
  const { config, clock, log, signal, tally } = run;
  const lives = new Map<string, Source>();
  let pass: number | undefined;
  while (!signal.aborted) {
    const files = await findFiles(run, pass === undefined);
    if (pass === undefined) announce(run, files);
    const sources = await openSources(run, files, lives);
    if (sources === undefined) return;
    pass ??= Math.max(0, ...sources.map(({ position }) => position?.pass ?? 0));
    const before = tally.totals.batches;
    const lossesBefore = tally.totals.waits.gap ?? 0;
    const resumed = await streamPass(run, files, sources, pass);
    if (signal.aborted) return;
    if (files.length > 1 && (tally.totals.waits.gap ?? 0) > lossesBefore) {
      // Of files that were done before, nobody noticed: the queue is asked anew where each stands.
      log.warn("queue has lost batches, looking after all files of the pass", { pass });
      lives.clear();
      continue;
    }
    tally.passes++;
    log[tally.passes === 1 ? "info" : "debug"]("pass complete", { pass, batches: tally.totals.batches - before });
    if (!config.loop) return;
    pass++;
    if (tally.totals.batches === before && !resumed) {
      log.warn("nothing to send in a whole pass, resting", { csvPaths: config.csvPaths, restMs: IDLE_MS });
      await clock.sleep(IDLE_MS, { signal });
    }
  }
}

/** In a later pass, files that are gone may come back. */
async function findFiles({ files, config, log }: Run, isFirst: boolean): Promise<readonly SourceFile[]> {
  try {
    const found = new Map<string, SourceFile>();
    for (const csvPath of config.csvPaths) for (const file of await files.find(csvPath)) found.set(file.path, file);
    return [...found.values()];
  } catch (error) {
    if (isFirst || !isAppError(error)) throw error;
    log.warn("files are gone, looking again later", { csvPaths: config.csvPaths, error });
    return [];
  }
}

function announce({ config, log }: Run, files: readonly SourceFile[]): void {
  const { intervalMs, batchSize, times, loop, shard, shards } = config;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  log.info("streaming", { count: files.length, bytes, intervalMs, batchSize, times, loop, shard, shards });
}

/** All before the first is read, so that an earlier streamer of any of them stops. Undefined: the run has ended. */
async function openSources(
  run: Run,
  files: readonly SourceFile[],
  lives: Map<string, Source>,
): Promise<Source[] | undefined> {
  const sources: Source[] = [];
  for (const { path } of files) {
    const name = await sourceName(path, run.config.times);
    const source = lives.get(name) ?? (await openSource(name, run.config, run));
    if (source === undefined) return undefined;
    if (!lives.has(name)) {
      lives.set(name, source);
      if (source.position !== null) {
        run.recent.add(source.producer, source.seq, source.position);
        run.liveTimes?.notBefore(source.position.stampedAt);
      }
    }
    sources.push(source);
  }
  return sources;
}

/** True when a file went on where an earlier run had ended. */
async function streamPass(run: Run, files: readonly SourceFile[], sources: Source[], pass: number): Promise<boolean> {
  const { progress, tally } = run;
  let anyResumed = false;
  progress.begin(files);
  for (const [index, file] of files.entries()) {
    const outcome = await streamFile(run, sources[index] as Source, file, pass);
    report(run, file, outcome, files.length === 1);
    anyResumed ||= outcome.resumed;
    if (run.signal.aborted) break;
    progress.done(file, tally.totals.readings);
  }
  return anyResumed;
}

function report({ log, tally }: Run, file: SourceFile, { resumed, begun, fault }: FileOutcome, isOnly: boolean): void {
  if (fault !== null && isOnly && !begun && tally.passes === 0) throw fault;
  const isNews = tally.file({ path: file.path, bytes: file.size, problem: fault?.message ?? null, resumed });
  if (fault === null || !isNews) return;
  log.error(begun ? "file cannot be read to its end" : "file is left out", { file: file.path, error: fault });
}
