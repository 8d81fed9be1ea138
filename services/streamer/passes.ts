/** Streams all sources, one after the other, pass after pass. */
import { isAppError } from "../../schema/model/errors.ts";
import type { FoundSource } from "../sources/port.ts";
import type { StreamerConfig } from "./config.ts";
import type { Run } from "./run.ts";
import { openProducer, type Producer, sourceName } from "./send/producer.ts";
import { type SourceOutcome, streamSource } from "./source-stream.ts";

/** Pause after a pass that sent nothing, so that a loop over nothing does not spin. */
const IDLE_MS = 1000;
/** Pause between two looks at watched sources. */
const WATCH_MS = 1000;
/** Every so many looks, watched sources are read whose size has not changed: their content may have. */
const LOOKS_FULL = 60;

/**
 * Returns after the first pass or, when looping or watching, once the run's signal aborts, and from a loop also if no
 * row of the first pass was readable. The first pass has the number of the latest pass that any source had reached. At
 * the start of each pass, new sources are added and missing ones dropped.
 * @throws as `runStreamer`
 */
export async function streamPasses(run: Run): Promise<void> {
  const { config, sources, clock, log, signal, tally } = run;
  const lives = new Map<string, Producer>();
  const sizes = new WatchedSizes();
  let pass: number | undefined;
  while (!signal.aborted) {
    const all = await findSources(run, pass === undefined && !config.watch);
    if (pass === undefined) announce(run, all);
    const found = config.watch ? sizes.changed(all) : all;
    dropGone(lives, all, config.times);
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
    if (all.length > 1 && (tally.totals.waits.gap ?? 0) > lossesBefore) {
      // Losses in sources that were already finished went unnoticed, so all producers are opened again.
      log.warn("queue has lost batches, checking all sources of the pass", { pass });
      lives.clear();
      sizes.forget();
      continue;
    }
    tally.passes++;
    const isSaid = tally.passes === 1 || (config.watch && tally.totals.batches > before);
    log[isSaid ? "info" : "debug"]("pass complete", { pass, batches: tally.totals.batches - before });
    if (tally.passes === 1) run.onFirstPass();
    if (config.watch) {
      await clock.sleep(WATCH_MS, { signal });
      continue;
    }
    if (!config.loop || tally.isUnreadable()) return;
    pass++;
    if (tally.totals.batches === before && !resumed) {
      log.warn("pass sent nothing, pausing", { where: sources.where, pauseMs: IDLE_MS });
      await clock.sleep(IDLE_MS, { signal });
    }
  }
}

/** Forgets producers whose sources are gone, so that a folder in which files come and go takes no memory. */
function dropGone(lives: Map<string, Producer>, found: readonly FoundSource[], times: StreamerConfig["times"]): void {
  if (lives.size === 0) return;
  const names = new Set(found.map(({ id }) => sourceName(id, times)));
  for (const name of lives.keys()) if (!names.has(name)) lives.delete(name);
}

/** Sizes of watched sources when they were last read. */
class WatchedSizes {
  #sizes: ReadonlyMap<string, number> = new Map();
  #looks = 0;

  /** The next call of `changed()` returns all sources. */
  forget(): void {
    this.#looks = 0;
  }

  /** Returns the sources that have changed since the last call, and now and then all of them. */
  changed(found: readonly FoundSource[]): readonly FoundSource[] {
    const before = this.#looks++ % LOOKS_FULL === 0 ? undefined : this.#sizes;
    this.#sizes = new Map(found.map(({ id, bytes }) => [id, bytes]));
    return found.filter(({ id, bytes }) => before?.get(id) !== bytes);
  }
}

/** Where missing sources may come or come back, they are not an error. */
async function findSources({ sources, log, config }: Run, mustExist: boolean): Promise<readonly FoundSource[]> {
  try {
    return await sources.find();
  } catch (error) {
    if (mustExist || !isAppError(error)) throw error;
    log[config.watch ? "debug" : "warn"]("sources are missing, looking again later", { where: sources.where, error });
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
    report(run, source, outcome, found.length === 1 && !run.config.watch);
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
