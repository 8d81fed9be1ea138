/** Streams one file, from where its producer stands to its end. */
import { createBatchBuilder } from "../../schema/batch/builder.ts";
import { AppError, isAppError } from "../../schema/model/errors.ts";
import { fail, ok, type Result } from "../../schema/model/result.ts";
import { type Fingerprint, fingerprintOf, isSameSource } from "../sources/files/fingerprint.ts";
import type { SourceFile } from "../sources/files/source-files.ts";
import type { RowReader, SkipReason } from "../sources/port.ts";
import { createBatchCutter } from "./cut/batch-cutter.ts";
import { ReadAhead } from "./cut/read-ahead.ts";
import { shardOf } from "./cut/shard.ts";
import type { Run } from "./run.ts";
import { encodePosition, type Mark, START, type StreamPosition } from "./send/position.ts";
import type { Source } from "./send/producer.ts";
import { Publisher } from "./send/publisher.ts";

export interface FileOutcome {
  /** It was not streamed from its start. */
  readonly resumed: boolean;
  /** Something of it had been read, now or earlier. */
  readonly begun: boolean;
  /** Why its rest, or all of it, could not be read. */
  readonly fault: AppError | null;
}

/** Readings in a batch at a pace, unless asked for otherwise. */
const PACED_BATCH_SIZE = 100;
/** Above it, what a reader and its builder have interned is given back. */
const MAX_SLOTS = 500_000;

type PassMark = Mark & { readonly pass: number };

/** What became of a file from a mark on; `again`: to be opened anew at another mark. */
type Poured =
  | { readonly kind: "end" }
  | { readonly kind: "again"; readonly mark: PassMark }
  | { readonly kind: "fault"; readonly fault: AppError };

/** What stands in a file's way is an outcome; a defect is thrown on. */
const faultOf = (error: unknown, { path }: SourceFile): AppError => {
  if (isAppError(error)) return error;
  if (typeof (error as NodeJS.ErrnoException)?.code !== "string") throw error;
  return new AppError(`Cannot read ${path}: ${(error as Error).message}`, { code: "unavailable", cause: error });
};

const attempt = <T>(outcome: Promise<T>, file: SourceFile): Promise<Result<T, AppError>> =>
  outcome.then(ok, (error) => fail(faultOf(error, file)));

/**
 * Sends what is left of the file in this pass, and returns when the last batch is confirmed or the run has ended. When
 * the queue has lost batches of an earlier pass, what is left of that one takes this one's place.
 * @throws what the queue throws, and AppError `conflict` when another streamer has opened the producer
 */
export async function streamFile(run: Run, source: Source, file: SourceFile, pass: number): Promise<FileOutcome> {
  const head = await attempt(run.files.head(file), file);
  if (!head.ok) return { resumed: false, begun: false, fault: head.error };
  const stream = new FileStream(run, source, file, head.value);
  const earlier = source.position;
  if (earlier !== null && !isSameSource(earlier, head.value)) {
    run.log.info("file is another one than before, starting over", { file: file.path });
  } else if (earlier !== null && (!run.config.loop || earlier.pass === pass)) {
    const fault = await stream.run(earlier);
    return { resumed: true, begun: true, fault };
  }
  const fault = await stream.run({ ...START, pass });
  return { resumed: false, begun: stream.begun, fault };
}

/** One file while it is being streamed. */
class FileStream {
  /** Something has been read. */
  begun = false;
  readonly #run: Run;
  readonly #source: Source;
  readonly #file: SourceFile;
  readonly #head: Uint8Array;
  readonly #fingerprint: Fingerprint;
  #pass = 0;
  /** Rows up to this line have been counted if they were skipped. */
  #lineSeen = 0;

  constructor(run: Run, source: Source, file: SourceFile, head: Uint8Array) {
    this.#run = run;
    this.#source = source;
    this.#file = file;
    this.#head = head;
    this.#fingerprint = fingerprintOf(head);
  }

  /** From the mark to the end of its pass. */
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
    const { files, queue, clock, patience, tally, recent, progress, onTotals } = this.#run;
    const { producer, epoch } = this.#source;
    const from = mark.place === START.place ? undefined : mark.place;
    const opened = await attempt(files.open(this.#file, { from, clock }), this.#file);
    if (!opened.ok) return { kind: "fault", fault: opened.error };
    await using reader = opened.value;
    const publisher = new Publisher({
      queue,
      patience,
      producer,
      epoch,
      onConfirmed: ({ batch, body, seq, at }) => {
        tally.confirmed(batch, body.byteLength);
        recent.add(producer, seq, at);
        onTotals();
        progress.in(this.#file, this.#bytesRead(reader, mark), tally.totals.readings);
      },
    });
    const poured = await this.#publish(reader, publisher, mark);
    const gap = await publisher.flush();
    return gap === null ? poured : { kind: "again", mark: this.#goBack(gap.last) };
  }

  /** Cuts and hands over until the file ends, or the publisher met a gap. */
  async #publish(reader: RowReader, publisher: Publisher, mark: PassMark): Promise<Poured> {
    const { config, clock, signal, tally, liveTimes } = this.#run;
    const { producer, epoch } = this.#source;
    const paced = config.intervalMs > 0;
    const builder = createBatchBuilder();
    const ahead = new ReadAhead(mark, {
      builder,
      by: paced ? "tick" : "bulk",
      wantsHost: (host) => shardOf(host, config.shards) === config.shard,
      onSkip: (reason, line, detail) => this.#skip(reason, line, detail),
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
        const seq = ++this.#source.seq;
        const { batch, body, end, merged } = cutter.cut(from, { producer, epoch, seq });
        const at: StreamPosition = {
          ...this.#fingerprint,
          ...ahead.markAfter(end),
          pass: this.#pass,
          stampedAt: liveTimes?.last ?? 0,
        };
        this.#source.position = at;
        tally.cut(end - from, merged);
        const sealed = { seq, body, readings: batch.readings, position: encodePosition(at), batch, at };
        const gap = (await publisher.send(sealed)) ?? (paced ? await publisher.flush() : null);
        if (gap !== null) return { kind: "end" };
        if (paced) await clock.sleep(config.intervalMs, { signal });
        from = end;
      }
      if (fault !== undefined) return { kind: "fault", fault: faultOf(fault, this.#file) };
      if (isLast) return { kind: "end" };
      if (ahead.gpuOfSlot.length > MAX_SLOTS) {
        return { kind: "again", mark: { ...ahead.markAfter(ahead.length), pass: this.#pass } };
      }
    }
  }

  /**
   * Where the queue's last batch ends, when that is remembered; else the file's start. A queue that has none has also
   * forgotten what was before the position that this life began with.
   */
  #goBack(last: number): PassMark {
    const { log, recent, tally } = this.#run;
    const { producer } = this.#source;
    const known = last === 0 ? undefined : recent.get(producer, last);
    recent.forgetAfter(producer, last);
    const at = known !== undefined && isSameSource(known, this.#head) ? known : null;
    log.warn("queue has lost batches, sending them again", {
      producer,
      last,
      sent: this.#source.seq,
      remembered: at !== null,
    });
    tally.waited("gap");
    this.#source.seq = last;
    this.#source.position = at;
    return at ?? { ...START, pass: this.#pass };
  }

  #skip(reason: SkipReason, line: number, detail: () => string): void {
    if (line <= this.#lineSeen) return;
    this.#lineSeen = line;
    this.#run.skipped.add(this.#file.path, reason, line, detail);
  }

  #bytesRead(reader: RowReader, from: Mark): number {
    return reader.bytesRead + (this.#file.compression === "none" ? from.place.offset : 0);
  }
}
