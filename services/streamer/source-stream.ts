/** Streams one source, from its producer's position to its end. */
import { createBatchBuilder } from "../../schema/batch/builder.ts";
import { type AppError, isAppError } from "../../schema/model/errors.ts";
import { fail, ok, type Result } from "../../schema/model/result.ts";
import type { FoundSource, OpenSource, RowReader, SkipReason } from "../sources/port.ts";
import { createBatchCutter } from "./cut/batch-cutter.ts";
import { type Mark, START } from "./cut/mark.ts";
import { ReadAhead } from "./cut/read-ahead.ts";
import { shardOf } from "./cut/shard.ts";
import type { Run } from "./run.ts";
import { encodePosition, type StreamPosition } from "./send/position.ts";
import type { Producer } from "./send/producer.ts";
import { Publisher } from "./send/publisher.ts";

export interface SourceOutcome {
  /** True if the source was not streamed from its start. */
  readonly resumed: boolean;
  /** True if a row of the source has been read or skipped, in this run or an earlier one. */
  readonly begun: boolean;
  /** The reason why the source, or the rest of it, could not be read; null: it was read. */
  readonly fault: AppError | null;
}

/** Default of `batchSize` when there is a pause after each batch. */
const PACED_BATCH_SIZE = 100;
/** With more slots, reading continues with a new reader and builder, which frees the memory of the old ones. */
const MAX_SLOTS = 500_000;

type PassMark = Mark & { readonly pass: number };

/** How reading from a mark ended. `again`: read on from another mark. */
type Poured =
  | { readonly kind: "end" }
  | { readonly kind: "again"; readonly mark: PassMark }
  | { readonly kind: "fault"; readonly fault: AppError };

/** Returns an AppError as a result, because an unreadable source is an expected outcome. Other errors are thrown. */
const attempt = <T>(outcome: Promise<T>): Promise<Result<T, AppError>> =>
  outcome.then(ok, (error) => fail(faultOf(error)));

function faultOf(error: unknown): AppError {
  if (isAppError(error)) return error;
  throw error;
}

/**
 * Sends the rest of the source in this pass. Returns when the last batch is confirmed or the run has ended. If the
 * queue has lost batches of an earlier pass, the rest of that pass is sent in place of this one.
 * @throws errors of the queue, and AppError `conflict` when another streamer has opened the producer
 */
export async function streamSource(
  run: Run,
  producer: Producer,
  found: FoundSource,
  pass: number,
): Promise<SourceOutcome> {
  const opened = await attempt(run.sources.open(found));
  if (!opened.ok) return { resumed: false, begun: false, fault: opened.error };
  await using source = opened.value;
  const stream = new SourceStream(run, producer, found, source);
  const earlier = producer.position;
  if (earlier !== null && !source.continues(earlier)) {
    run.log.info("content has changed, starting over", { source: found.name });
  } else if (earlier !== null && (!run.config.loop || earlier.pass === pass)) {
    const fault = await stream.run(earlier);
    return { resumed: true, begun: true, fault };
  }
  const fault = await stream.run({ ...START, pass });
  return { resumed: false, begun: stream.begun, fault };
}

class SourceStream {
  /** True if a row of the source has been read or skipped. */
  begun = false;
  readonly #run: Run;
  readonly #producer: Producer;
  readonly #found: FoundSource;
  readonly #source: OpenSource;
  #pass = 0;
  /** Skipped rows up to this line have been counted. */
  #lineSeen = 0;

  constructor(run: Run, producer: Producer, found: FoundSource, source: OpenSource) {
    this.#run = run;
    this.#producer = producer;
    this.#found = found;
    this.#source = source;
  }

  /** Streams the source from the mark to the end of the mark's pass. */
  async run(from: PassMark): Promise<AppError | null> {
    for (let mark = from; ; ) {
      this.#pass = mark.pass;
      const poured = await this.#pour(mark);
      if (this.#run.signal.aborted) return null;
      if (poured.kind === "again") mark = poured.mark;
      else return poured.kind === "fault" ? poured.fault : null;
    }
  }

  async #pour(mark: PassMark): Promise<Poured> {
    const { queue, queueCalls, tally, recent, progress, onTotals } = this.#run;
    const { name: producer, epoch } = this.#producer;
    const opened = await attempt(this.#source.readFrom(mark.place));
    if (!opened.ok) return { kind: "fault", fault: opened.error };
    await using reader = opened.value;
    const publisher = new Publisher({
      queue,
      queueCalls,
      producer,
      epoch,
      onConfirmed: ({ batch, body, seq, at }) => {
        tally.confirmed(batch, body.byteLength);
        recent.add(producer, seq, at);
        onTotals();
        progress.in(this.#found, reader.bytesRead, tally.totals);
      },
    });
    const poured = await this.#publish(reader, publisher, mark);
    const gap = await publisher.flush();
    return gap === null ? poured : { kind: "again", mark: this.#goBack(gap.last) };
  }

  /** Cuts and publishes until the source ends or the publisher meets a gap. */
  async #publish(reader: RowReader, publisher: Publisher, mark: PassMark): Promise<Poured> {
    const { config, clock, signal, tally, liveTimes, labelNotices } = this.#run;
    const { name: producer, epoch } = this.#producer;
    const paced = config.intervalMs > 0;
    const builder = createBatchBuilder(config.format);
    const ahead = new ReadAhead(mark, {
      builder,
      by: paced ? "tick" : "bulk",
      maxSeriesPerMetric: config.maxSeriesPerMetric,
      allowsHostIds: config.format > 1,
      wantsHost: (host) => shardOf(host, config.shards) === config.shard,
      onSkip: (reason, line, detail) => this.#skip(reason, line, detail),
      onIgnored: (label, metric) => labelNotices.ignored(this.#found.name, label, metric),
    });
    const cutter = createBatchCutter(ahead, builder, config.batchSize ?? (paced ? PACED_BATCH_SIZE : null));
    for (;;) {
      const { sent, isLast, fault } = await ahead.fill(reader, signal);
      if (signal.aborted) return { kind: "end" };
      cutter.renew();
      if (ahead.length > 0) {
        this.begun = true;
        await liveTimes?.stamp(ahead, signal);
      }
      for (let from = sent; from < ahead.length && !signal.aborted; ) {
        const seq = this.#producer.seq + 1;
        const cut = cutter.cut(from, { producer, epoch, seq });
        if (cut === null) break;
        const { batch, body, end, readings, merged, differing } = cut;
        this.#producer.seq = seq;
        const at: StreamPosition = {
          ...this.#source.fingerprint,
          ...ahead.markAfter(end),
          pass: this.#pass,
          stampedAt: liveTimes?.last ?? 0,
        };
        this.#producer.position = at;
        tally.cut(readings, merged);
        for (const rows of differing.values()) {
          tally.differing(rows);
          labelNotices.differing(this.#found.name, rows);
        }
        const sealed = { seq, body, readings: batch.readings, position: encodePosition(at), batch, at };
        const gap = (await publisher.send(sealed)) ?? (paced ? await publisher.flush() : null);
        if (gap !== null) return { kind: "end" };
        if (paced) await clock.sleep(config.intervalMs, { signal });
        from = end;
      }
      if (fault !== undefined) return { kind: "fault", fault: faultOf(fault) };
      if (isLast) return { kind: "end" };
      if (ahead.gpuOfSlot.length > MAX_SLOTS) {
        return { kind: "again", mark: { ...ahead.markAfter(ahead.length), pass: this.#pass } };
      }
    }
  }

  /**
   * Returns where the queue's last batch ends if this run remembers it, otherwise the start of the source: a queue
   * without any batch has also lost the batches before the position that this life began with.
   */
  #goBack(last: number): PassMark {
    const { log, recent, tally } = this.#run;
    const { name: producer, seq: sent } = this.#producer;
    const known = last === 0 ? undefined : recent.get(producer, last);
    recent.forgetAfter(producer, last);
    const at = known !== undefined && this.#source.continues(known) ? known : null;
    log.warn("queue has lost batches, sending them again", { producer, last, sent, remembered: at !== null });
    tally.waited("gap");
    this.#producer.seq = last;
    this.#producer.position = at;
    return at ?? { ...START, pass: this.#pass };
  }

  #skip(reason: SkipReason, line: number, detail: () => string): void {
    this.begun = true;
    if (line <= this.#lineSeen) return;
    this.#lineSeen = line;
    this.#run.skipped.add({ source: this.#found.name, reason, line, detail });
  }
}
