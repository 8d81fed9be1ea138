/** Streams all sources, one after the other, pass after pass. */
import { isAppError } from "../../schema/model/errors.ts";
import type { FoundSource } from "../sources/port.ts";
import type { Run } from "./run.ts";
import { openProducer, type Producer, sourceName } from "./send/producer.ts";
import { type SourceOutcome, streamSource } from "./source-stream.ts";

/** Pause after a pass that sent nothing, so that a loop over nothing does not spin. */
const IDLE_MS = 1000;

/**
 * Returns after the first pass or, when looping, once the run's signal aborts or no row of the first pass was readable.
 * The first pass has the number of the latest pass that any source had reached. At the start of each pass, new sources
 * are added and missing ones dropped.
 * @throws as `runStreamer`
 */
export async function streamPasses(run: Run): Promise<void> {
  const { config, sources, clock, log, signal, tally } = run;
  const lives = new Map<string, Producer>();
  let pass: number | undefined;
  while (!signal.aborted) {
    const found = await findSources(run, pass === undefined);
    if (pass === undefined) announce(run, found);
    const producers = await openProducers(run, found, lives);
    if (producers === undefined) return;
    pass ??= Math.max(0, ...producers.map(({ position }) => position?.pass ?? 0));
    const before = tally.totals.batches;
    const lossesBefore = tally.totals.waits.gap ?? 0;
    const resumed = await streamPass(run, found, producers, pass);
    if (signal.aborted) {
      if (tally.passes === 0) run.onFirstPass();
      return;
    }
    if (found.length > 1 && (tally.totals.waits.gap ?? 0) > lossesBefore) {
      // Losses in sources that were already finished went unnoticed, so all producers are opened again.
      log.warn("queue has lost batches, checking all sources of the pass", { pass });
      lives.clear();
      continue;
    }
    tally.passes++;
    log[tally.passes === 1 ? "info" : "debug"]("pass complete", { pass, batches: tally.totals.batches - before });
    if (tally.passes === 1) run.onFirstPass();
    if (!config.loop || tally.isUnreadable()) return;
    pass++;
    if (tally.totals.batches === before && !resumed) {
      log.warn("pass sent nothing, pausing", { where: sources.where, pauseMs: IDLE_MS });
      await clock.sleep(IDLE_MS, { signal });
    }
  }
}

/** In a later pass, missing sources are not an error, because they may come back. */
async function findSources({ sources, log }: Run, isFirst: boolean): Promise<readonly FoundSource[]> {
  try {
    return await sources.find();
  } catch (error) {
    if (isFirst || !isAppError(error)) throw error;
    log.warn("sources are missing, looking again later", { where: sources.where, error });
    return [];
  }
}

function announce({ config, log }: Run, found: readonly FoundSource[]): void {
  const { intervalMs, batchSize, times, loop, shard, shards } = config;
  const bytes = found.reduce((sum, source) => sum + source.bytes, 0);
  log.info("streaming", { count: found.length, bytes, intervalMs, batchSize, times, loop, shard, shards });
  if (intervalMs > 0) {
    const hint = "LOOP_MODE=false without STREAM_INTERVAL, and ingest, read at full speed";
    log.info("replay is paced", { intervalMs, hint });
  }
}

/** Opens all producers before any source is read, which stops older streamers of them. Undefined: the run has ended. */
async function openProducers(
  run: Run,
  found: readonly FoundSource[],
  lives: Map<string, Producer>,
): Promise<Producer[] | undefined> {
  const producers: Producer[] = [];
  for (const { id } of found) {
    const name = sourceName(id, run.config.times);
    const producer = lives.get(name) ?? (await openProducer(name, run.config, run));
    if (producer === undefined) return undefined;
    if (!lives.has(name)) {
      lives.set(name, producer);
      if (producer.position !== null) {
        run.recent.add(producer.name, producer.seq, producer.position);
        run.liveTimes?.notBefore(producer.position.stampedAt);
      }
    }
    producers.push(producer);
  }
  return producers;
}

/** Returns true if a source continued where an earlier run had ended. */
async function streamPass(
  run: Run,
  found: readonly FoundSource[],
  producers: readonly Producer[],
  pass: number,
): Promise<boolean> {
  const { progress, tally } = run;
  let anyResumed = false;
  progress.begin(found);
  for (const [index, source] of found.entries()) {
    const outcome = await streamSource(run, producers[index] as Producer, source, pass);
    report(run, source, outcome, found.length === 1);
    anyResumed ||= outcome.resumed;
    if (run.signal.aborted) break;
    progress.done(source, tally.totals);
  }
  return anyResumed;
}

function report(
  { log, tally }: Run,
  { name, bytes }: FoundSource,
  { resumed, begun, fault }: SourceOutcome,
  isOnly: boolean,
): void {
  if (fault !== null && isOnly && !begun && tally.passes === 0) throw fault;
  const isNews = tally.source({ name, bytes, problem: fault?.message ?? null, resumed });
  if (fault === null || !isNews) return;
  log.error(begun ? "source cannot be read to its end" : "source is left out", { source: name, error: fault });
}
