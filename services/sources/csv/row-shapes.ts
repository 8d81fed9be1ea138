/**
 * Remembers the shapes of rows: the bytes around time and value. Rows of one GPU, attribution and metric differ only in
 * these two, and every tick repeats the rows in the same order. So the shape of the next row can be predicted, and
 * comparing bytes replaces finding the row's end, splitting its fields and parsing them.
 */

import { isRowTime } from "../../../schema/dcgm/time.ts";
import { describeBlank, isBlankNumber } from "../../../schema/dcgm/value.ts";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { RowTarget } from "../port.ts";
import { AsciiNumber, MAX_NUMBER_BYTES } from "./ascii-number.ts";
import { AsciiTime, MAX_TIME_BYTES } from "./ascii-time.ts";
import { equalBytes, hashBytes } from "./equal-bytes.ts";
import type { RowParts, ShapeForms, ShapeLimits } from "./row-parts.ts";

/** Longer rows are not remembered. */
const MAX_SHAPE_BYTES = 8192;
/** How many shapes with the same hash are remembered. Only input made to slow the reader down has more. */
const MAX_SAME_HASH = 8;
const INITIAL_BYTES = 1_048_576;
/** Stands for the shape before the first row, for an unknown shape, and for the end of a hash chain. */
const NONE = 0;

export class RowShapes {
  readonly #limits: ShapeLimits;
  #isTimeFirst: boolean;
  readonly #time: AsciiTime;
  readonly #number: AsciiNumber;
  #text: DataView<ArrayBuffer>;
  #textEnd = 0;
  #count = 1;
  /** Indexed by shape: where its three parts start in `#text`, one after the other, and the length of each. */
  readonly #starts: Int32Array;
  readonly #heads: Int32Array;
  readonly #middles: Int32Array;
  readonly #tails: Int32Array;
  readonly #slots: Int32Array;
  /** The shape that followed this one the last time. */
  readonly #successors: Int32Array;
  readonly #sameHash: Int32Array;
  readonly #byHash = new Map<number, number>();
  #last = NONE;
  #hashed: RowParts | undefined;
  #hashOfHashed = 0;
  /** How many rows were not remembered, for lack of space, since the last shape was learned. */
  #refused = 0;
  /** Rows taken by the last `follow()`. */
  rows = 0;

  constructor(limits: ShapeLimits, { isTimeFirst, isUtc, hasDecimalComma }: ShapeForms) {
    this.#limits = limits;
    this.#number = new AsciiNumber({ hasDecimalComma });
    this.#time = new AsciiTime({ isUtc });
    this.#isTimeFirst = isTimeFirst;
    this.#text = new DataView(new ArrayBuffer(Math.min(INITIAL_BYTES, limits.bytes)));
    const size = limits.shapes + 1;
    this.#starts = new Int32Array(size);
    this.#heads = new Int32Array(size);
    this.#middles = new Int32Array(size);
    this.#tails = new Int32Array(size);
    this.#slots = new Int32Array(size);
    this.#successors = new Int32Array(size);
    this.#sameHash = new Int32Array(size);
  }

  /**
   * Takes rows off the window while each has the predicted shape. Returns true if the target says stop.
   * @param line number of the first row
   */
  follow(window: ByteWindow, target: RowTarget, line: number, lastTime: number): boolean {
    const { bytes, view, end } = window;
    const [text, time, number, isTimeFirst] = [this.#text, this.#time, this.#number, this.#isTimeFirst];
    let at = window.start;
    let last = this.#last;
    let rows = 0;
    let stop = false;
    while (!stop) {
      const shape = this.#successors[last] as number;
      if (shape === NONE) break;
      const head = this.#heads[shape] as number;
      const middle = this.#middles[shape] as number;
      const tail = this.#tails[shape] as number;
      // Ensures that no read below goes beyond the window's end.
      if (at + head + middle + tail + MAX_TIME_BYTES + MAX_NUMBER_BYTES > end) break;
      const start = this.#starts[shape] as number;
      if (!equalBytes(text, start, view, at, head)) break;
      let next = isTimeFirst ? time.read(bytes, view, at + head) : number.read(bytes, at + head);
      if (next === -1 || !equalBytes(text, start + head, view, next, middle)) break;
      next = isTimeFirst ? number.read(bytes, next + middle) : time.read(bytes, view, next + middle);
      if (next === -1 || !equalBytes(text, start + head + middle, view, next, tail)) break;
      if (!isRowTime(time.at, lastTime)) break;
      at = next + tail;
      last = shape;
      stop = this.give(target, this.#slots[shape] as number, bytes, line + rows);
      rows++;
    }
    window.start = at;
    this.#last = last;
    this.rows = rows;
    return stop;
  }

  /**
   * Returns the slot of the row's shape, or undefined if the shape is unknown. A known shape is predicted from now on
   * after the shape of the row before.
   */
  find(view: DataView, parts: RowParts): number | undefined {
    const shape = this.#lookUp(view, parts);
    if (shape === NONE) return undefined;
    this.#expect(shape);
    return this.#slots[shape];
  }

  /** Like `find()`, but also reads time and value for `give()`. Undefined if their forms are unusual. */
  read(window: ByteWindow, parts: RowParts, lastTime: number): number | undefined {
    return this.readParts(window, parts, lastTime) ? this.find(window.view, parts) : undefined;
  }

  /** Reads time and value for `give()`. Returns false if their forms are unusual. */
  readParts({ bytes, view }: ByteWindow, parts: RowParts, lastTime: number): boolean {
    const { firstStart, firstEnd, secondStart, secondEnd } = parts;
    const [time, number, isTimeFirst] = [this.#time, this.#number, this.#isTimeFirst];
    const timeStart = isTimeFirst ? firstStart : secondStart;
    if (timeStart + MAX_TIME_BYTES > bytes.length) return false;
    const timeEnd = time.read(bytes, view, timeStart);
    const numberEnd = number.read(bytes, isTimeFirst ? secondStart : firstStart);
    if (timeEnd !== (isTimeFirst ? firstEnd : secondEnd)) return false;
    if (numberEnd !== (isTimeFirst ? secondEnd : firstEnd)) return false;
    return isRowTime(time.at, lastTime);
  }

  /** Hands over the last row read. Returns true if the target says stop. */
  give(target: RowTarget, slot: number, bytes: Buffer, line: number): boolean {
    if (slot < 0) return false;
    const { value, start, end } = this.#number;
    if (!isBlankNumber(value)) return target.add(slot, this.#time.at, value, line);
    const text = bytes.toString("latin1", start, end);
    target.skip("blank", line, () => describeBlank(text));
    return false;
  }

  /** Remembers the shape of a row. */
  learn(bytes: Uint8Array, view: DataView, parts: RowParts, slot: number): void {
    const { start, firstStart, firstEnd, secondStart, secondEnd, end } = parts;
    const length = end - start - (firstEnd - firstStart) - (secondEnd - secondStart);
    // Rows with a zero byte are not stored, because `equalBytes` could report a false match.
    if (length > MAX_SHAPE_BYTES || bytes.subarray(start, end).includes(0)) return;
    if (this.#count > this.#limits.shapes || this.#textEnd + length > this.#limits.bytes) {
      // The shapes may belong to pods that no longer exist: after twice as many refusals as shapes, forget them all.
      if (++this.#refused <= 2 * this.#count) return;
      this.#forget();
      if (this.#limits.shapes < 1 || length > this.#limits.bytes) return;
    }
    const hash = this.#hash(view, parts);
    let same = 0;
    for (let other = this.#byHash.get(hash) ?? NONE; other !== NONE; other = this.#sameHash[other] as number) same++;
    if (same >= MAX_SAME_HASH) return;
    const shape = this.#count++;
    this.#starts[shape] = this.#textEnd;
    this.#heads[shape] = this.#append(bytes.subarray(start, firstStart));
    this.#middles[shape] = this.#append(bytes.subarray(firstEnd, secondStart));
    this.#tails[shape] = this.#append(bytes.subarray(secondEnd, end));
    this.#slots[shape] = slot;
    this.#successors[shape] = NONE;
    this.#sameHash[shape] = this.#byHash.get(hash) ?? NONE;
    this.#byHash.set(hash, shape);
    this.#refused = 0;
    this.#expect(shape);
  }

  /** Remembers the day of a row's time, so that other times of that day need no full parser. */
  learnTime(text: string): void {
    this.#time.learnDay(text);
  }

  /** Forgets all shapes, because other columns follow. */
  restart({ isTimeFirst }: Pick<ShapeForms, "isTimeFirst">): void {
    this.#isTimeFirst = isTimeFirst;
    this.#hashed = undefined;
    this.#forget();
  }

  #lookUp(view: DataView, parts: RowParts): number {
    let shape = this.#byHash.get(this.#hash(view, parts)) ?? NONE;
    while (shape !== NONE && !this.#matches(shape, view, parts)) shape = this.#sameHash[shape] as number;
    return shape;
  }

  #expect(shape: number): void {
    this.#successors[this.#last] = shape;
    this.#last = shape;
  }

  /** Called twice per row (lookup, then learning), so the last hash is cached. */
  #hash(view: DataView, parts: RowParts): number {
    if (this.#hashed !== parts) {
      const { start, firstStart, firstEnd, secondStart, secondEnd, end } = parts;
      const head = hashBytes(view, start, firstStart, 0);
      this.#hashOfHashed = hashBytes(view, secondEnd, end, hashBytes(view, firstEnd, secondStart, head));
      this.#hashed = parts;
    }
    return this.#hashOfHashed;
  }

  #matches(shape: number, view: DataView, parts: RowParts): boolean {
    const { start, firstStart, firstEnd, secondStart, secondEnd, end } = parts;
    const [head, middle, tail] = [firstStart - start, secondStart - firstEnd, end - secondEnd];
    if (this.#heads[shape] !== head || this.#middles[shape] !== middle || this.#tails[shape] !== tail) return false;
    const from = this.#starts[shape] as number;
    return (
      equalBytes(this.#text, from, view, start, head) &&
      equalBytes(this.#text, from + head, view, firstEnd, middle) &&
      equalBytes(this.#text, from + head + middle, view, secondEnd, tail)
    );
  }

  #append(bytes: Uint8Array): number {
    const end = this.#textEnd + bytes.length;
    if (end > this.#text.byteLength) {
      const size = Math.min(this.#limits.bytes, Math.max(end, 2 * this.#text.byteLength));
      const text = new Uint8Array(new ArrayBuffer(size));
      text.set(new Uint8Array(this.#text.buffer, 0, this.#textEnd));
      this.#text = new DataView(text.buffer);
    }
    new Uint8Array(this.#text.buffer).set(bytes, this.#textEnd);
    this.#textEnd = end;
    return bytes.length;
  }

  #forget(): void {
    this.#byHash.clear();
    this.#count = 1;
    this.#textEnd = 0;
    this.#refused = 0;
    this.#last = NONE;
    this.#successors[NONE] = NONE;
  }
}
