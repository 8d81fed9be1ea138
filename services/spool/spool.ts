/**
 * Keeps batches on disk, in order, from the moment they are recorded until the queue has confirmed them.
 *
 * - Durable: `append()` resolves when the record is on disk (fdatasync). Concurrent calls share one flush.
 * - In order: records have consecutive numbers, from 1, that no restart changes. A record that was on disk when its
 *   process was killed has its number in the next process, too, even if `append()` had not resolved.
 * - Bounded: a record that does not fit is refused; nothing recorded is deleted before it is confirmed.
 * - One process: a second one that opens the same folder would mix its records with those of the first, so it is
 *   refused.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FolderLock } from "../platform/process/folder-lock.ts";
import { encodeRecord, RECORD_HEADER_BYTES } from "./records.ts";
import {
  firstNumberOf,
  inspectSegment,
  type Place,
  readSegment,
  type Segment,
  type SpoolRecord,
  segmentPath,
} from "./segment.ts";

/** A segment that has reached this size is followed by a new one. A confirmed segment is deleted as a whole. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const ID_FILE = "id";
const ID = /^[0-9a-f-]{36}$/;

export interface SpoolOptions {
  readonly folder: string;
  /** Bound on the size of all segments together. */
  readonly maxBytes: number;
  readonly segmentBytes?: number;
}

interface Waiting {
  readonly body: Uint8Array;
  readonly readings: number;
  readonly resolve: (number: number) => void;
  readonly reject: (error: unknown) => void;
}

export class Spool implements AsyncDisposable {
  /** Differs between spools, so that their producers have different names. */
  readonly id: string;
  /** Bytes without an intact record that the opening has found and left out: at most one record for each kill. */
  readonly excess: number;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  readonly #segments: Segment[];
  readonly #lock: Disposable;
  #file: FileHandle;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #hasFailed = false;
  #recorded = Promise.withResolvers<void>();
  #flushing: Promise<void> | undefined;
  #cursor: { readonly segment: Segment; readonly place: Place } | undefined;
  #refused = 0;

  private constructor(
    options: SpoolOptions,
    found: { id: string; segments: Segment[]; file: FileHandle; lock: Disposable; excess: number },
  ) {
    this.id = found.id;
    this.excess = found.excess;
    this.#folder = options.folder;
    this.#maxBytes = options.maxBytes;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#segments = found.segments;
    this.#file = found.file;
    this.#lock = found.lock;
  }

  /** @throws AppError `conflict` if another process uses the folder; errors of the file system */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { folder } = options;
    await mkdir(folder, { recursive: true });
    using opened = new DisposableStack();
    const lock = opened.use(new FolderLock(folder));
    const id = await readId(folder);
    const firsts = (await readdir(folder)).flatMap((name) => firstNumberOf(name) ?? []).sort((a, b) => a - b);
    const segments: Segment[] = [];
    let excess = 0;
    for (const first of firsts) {
      const segment = await inspectSegment(folder, first);
      excess += segment.excess;
      segments.push({ first, path: segment.path, count: segment.count, size: segment.size });
    }
    const last = segments.at(-1) ?? { first: 1, path: segmentPath(folder, 1), count: 0, size: 0 };
    if (segments.length === 0) segments.push(last);
    const file = await open(last.path, "a");
    await truncate(last.path, last.size);
    await file.sync();
    await syncFolder(folder);
    opened.move();
    return new Spool(options, { id, segments, file, lock, excess });
  }

  /** Bytes on disk, and of records that wait for it. */
  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, this.#waitingBytes);
  }

  /** Number of the next record. */
  get next(): number {
    const { first, count } = this.#last;
    return first + count;
  }

  /** Records that did not fit. */
  get refused(): number {
    return this.#refused;
  }

  get #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  /**
   * Resolves to the number of the record once it is on disk; to null if the spool is full.
   * @throws the error of the file system; the record may then be on disk or not
   */
  append(body: Uint8Array, readings: number): Promise<number | null> {
    const bytes = RECORD_HEADER_BYTES + body.byteLength;
    if (this.bytes + bytes > this.#maxBytes) {
      this.#refused++;
      return Promise.resolve(null);
    }
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, readings, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /**
   * Returns records from this number on, in order; none if all are older, otherwise at least one. Numbers are missing
   * only where the disk has damaged a segment.
   */
  async read(from: number, maxBytes: number): Promise<SpoolRecord[]> {
    const segment = this.#segments.find(({ first, count }) => from < first + count);
    if (segment === undefined) return [];
    const number = Math.max(from, segment.first);
    const start = { number: segment.first, offset: 0 };
    const cursor = this.#cursor;
    const isAhead = cursor?.segment === segment && cursor.place.number <= number;
    const place = isAhead ? cursor.place : start;
    const { records, next } = await readSegment(segment, { from: place, number, maxBytes });
    this.#cursor = { segment, place: next };
    return records;
  }

  /** Resolves when the spool has the record of this number, or when the signal aborts. */
  async whenRecorded(number: number, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener("abort", abort, { once: true });
    while (this.next <= number && !signal.aborted) await Promise.race([this.#recorded.promise, aborted.promise]);
    signal.removeEventListener("abort", abort);
  }

  /** Deletes what is no longer needed, once the queue has confirmed all records up to this one. */
  async confirm(number: number): Promise<void> {
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments;
      if (oldest === undefined || oldest.first + oldest.count - 1 > number) return;
      this.#segments.shift();
      await rm(oldest.path, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.#file.close();
    this.#lock[Symbol.dispose]();
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(group);
      } catch (error) {
        this.#waitingBytes -= group.reduce((sum, { body }) => sum + RECORD_HEADER_BYTES + body.byteLength, 0);
        for (const { reject } of group) reject(error);
      }
    }
    this.#flushing = undefined;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#hasFailed) await truncate(this.#last.path, this.#last.size);
    this.#hasFailed = false;
    if (this.#last.size >= this.#segmentBytes) await this.#rotate();
    const segment = this.#last;
    const records = group.map(({ body, readings }, place) =>
      encodeRecord(body, { readings, index: segment.count + place }),
    );
    // Until the records are known to be on disk, a part of them may be, and must not precede the next record.
    this.#hasFailed = true;
    await this.#file.appendFile(Buffer.concat(records));
    await this.#file.datasync();
    this.#hasFailed = false;
    const number = segment.first + segment.count;
    segment.count += records.length;
    const bytes = records.reduce((sum, { length }) => sum + length, 0);
    segment.size += bytes;
    this.#waitingBytes -= bytes;
    for (const [place, { resolve }] of group.entries()) resolve(number + place);
    this.#recorded.resolve();
    this.#recorded = Promise.withResolvers();
  }

  async #rotate(): Promise<void> {
    const first = this.next;
    const path = segmentPath(this.#folder, first);
    const file = await open(path, "a");
    await syncFolder(this.#folder);
    await this.#file.close();
    this.#file = file;
    this.#segments.push({ first, path, count: 0, size: 0 });
  }
}

async function readId(folder: string): Promise<string> {
  const path = join(folder, ID_FILE);
  const known = await readFile(path, "utf8").catch(() => "");
  if (ID.test(known)) return known;
  const id = randomUUID();
  await writeFile(`${path}.new`, id, { flush: true });
  await rename(`${path}.new`, path);
  return id;
}

/** Makes new names of the folder durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
