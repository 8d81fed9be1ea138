/**
 * Packs a run of doubles in the smallest of six forms: a constant, equal steps, values or steps in as few bits as their
 * span needs, or eight bytes each. Format: see FORMATS.md.
 */
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

const FORMS = { constant: 0, line: 1, values: 2, steps: 3, raw: 4, rawConstant: 5 } as const;
const FORM_BITS = 3;
const GROUP = 32;
const MAX_BITS = 25;
const WIDE = 28;
/** Largest stored whole number. A difference may be twice as large, and zigzag doubles it again: within 2^53. */
const MAX_WHOLE = 2 ** 50;
const MAX_PLACES = 12;
const TENS = Array.from({ length: MAX_PLACES + 1 }, (_, places) => Number(`1e${places}`));

/** Returns the fewest decimal places at which every value is a whole number and comes back exactly, or -1. */
function placesOf(values: Float64Array, start: number, end: number): number {
  let places = 0;
  let ten = 1;
  let largest = 0;
  for (let index = start; index < end; index++) {
    const value = values[index] as number;
    if (value === 0 && 1 / value < 0) return -1;
    const size = value < 0 ? -value : value;
    if (size > largest) largest = size;
    while (Math.round(value * ten) / ten !== value) {
      if (++places > MAX_PLACES) return -1;
      ten = TENS[places] as number;
    }
  }
  // A value that becomes whole with fewer places is also whole with more, within the precision of a double.
  return largest * ten <= MAX_WHOLE ? places : -1;
}

function widthOf(span: number): number {
  if (span < 2 ** 31) {
    const bits = 32 - Math.clz32(span);
    if (bits <= MAX_BITS) return bits;
    return WIDE + 4;
  }
  let bytes = 4;
  while (span >= 256 ** bytes) bytes++;
  return WIDE + bytes;
}

const bytesOf = (width: number, count: number): number =>
  width <= MAX_BITS ? (count * width + 7) >> 3 : count * (width - WIDE);

/** For each group of `GROUP` numbers: the smallest number, and the width byte for the others minus the smallest. */
interface Spans {
  readonly least: Float64Array;
  readonly width: Uint8Array;
}

/** Writes one number column after another, reusing its scratch memory. */
export class NumberColumn {
  #whole = new Float64Array(GROUP);
  #steps = new Float64Array(GROUP);
  #spans: { readonly values: Spans; readonly steps: Spans } = { values: spansFor(GROUP), steps: spansFor(GROUP) };

  /** Writes `count` finite numbers of `values`, from index `start` on. Writes no bytes if `count` is 0. */
  write(out: ByteWriter, values: Float64Array, start: number, count: number): void {
    if (count === 0) return;
    const first = values[start] as number;
    let same = 1;
    while (same < count && Object.is(values[start + same], first)) same++;
    const written = same === count ? 1 : count;
    const places = placesOf(values, start, start + written);
    if (places === -1) {
      out.byte(written === count ? FORMS.raw : FORMS.rawConstant);
      for (let index = start; index < start + written; index++) out.double(values[index] as number);
      return;
    }
    const ten = TENS[places] as number;
    if (written === 1) {
      out.byte(FORMS.constant | (places << FORM_BITS));
      out.signed(Math.round(first * ten));
      return;
    }
    this.#fill(values, start, count, ten);
    this.#writeWhole(out, count, places);
  }

  #writeWhole(out: ByteWriter, count: number, places: number): void {
    const asSteps = measure(this.#steps, count - 1, this.#spans.steps);
    if (isLine(this.#spans.steps, count - 1)) {
      out.byte(FORMS.line | (places << FORM_BITS));
      out.signed(this.#whole[0] as number);
      out.signed(this.#steps[0] as number);
    } else if (asSteps < measure(this.#whole, count, this.#spans.values)) {
      out.byte(FORMS.steps | (places << FORM_BITS));
      out.signed(this.#whole[0] as number);
      writeGroups(out, this.#steps, count - 1, this.#spans.steps);
    } else {
      out.byte(FORMS.values | (places << FORM_BITS));
      writeGroups(out, this.#whole, count, this.#spans.values);
    }
  }

  #fill(values: Float64Array, start: number, count: number, ten: number): void {
    if (count > this.#whole.length) this.#grow(count);
    const whole = this.#whole;
    const steps = this.#steps;
    let previous = Math.round((values[start] as number) * ten);
    whole[0] = previous;
    for (let index = 1; index < count; index++) {
      const next = Math.round((values[start + index] as number) * ten);
      whole[index] = next;
      steps[index - 1] = next - previous;
      previous = next;
    }
  }

  #grow(count: number): void {
    const capacity = Math.max(count, this.#whole.length * 2);
    this.#whole = new Float64Array(capacity);
    this.#steps = new Float64Array(capacity);
    this.#spans = { values: spansFor(capacity), steps: spansFor(capacity) };
  }
}

function spansFor(capacity: number): Spans {
  const groups = Math.ceil(capacity / GROUP);
  return { least: new Float64Array(groups), width: new Uint8Array(groups) };
}

/** Sets the smallest number and the width of each group, and returns about how many bytes all groups take. */
function measure(numbers: Float64Array, count: number, { least, width }: Spans): number {
  let bytes = 0;
  for (let start = 0, group = 0; start < count; start += GROUP, group++) {
    const end = Math.min(start + GROUP, count);
    let min = numbers[start] as number;
    let max = min;
    for (let index = start + 1; index < end; index++) {
      const number = numbers[index] as number;
      if (number < min) min = number;
      else if (number > max) max = number;
    }
    least[group] = min;
    const bits = widthOf(max - min);
    width[group] = bits;
    bytes += 2 + bytesOf(bits, end - start);
  }
  return bytes;
}

function isLine({ least, width }: Spans, count: number): boolean {
  for (let group = 0; group * GROUP < count; group++) {
    if (width[group] !== 0 || least[group] !== least[0]) return false;
  }
  return true;
}

function writeGroups(out: ByteWriter, numbers: Float64Array, count: number, { least, width }: Spans): void {
  for (let start = 0, group = 0; start < count; start += GROUP, group++) {
    const size = Math.min(GROUP, count - start);
    const min = least[group] as number;
    const bits = width[group] as number;
    out.byte(bits);
    out.signed(min);
    if (bits === 0) continue;
    if (bits <= MAX_BITS) out.bits(numbers, start, size, min, bits);
    else out.wide(numbers, start, size, min, bits - WIDE);
  }
}

function readGroups(from: ByteReader, into: Float64Array, start: number, end: number): void {
  for (let at = start; at < end; at += GROUP) {
    const size = Math.min(GROUP, end - at);
    const width = from.byte();
    const least = from.signed();
    if (width === 0) into.fill(least, at, at + size);
    else if (width <= MAX_BITS) from.bits(into, at, size, least, width);
    else if (width >= WIDE + 4 && width <= WIDE + 7) from.wide(into, at, size, least, width - WIDE);
    else throw new DamagedBytes(`width of a group must be 0 to 25 or 32 to 35, got ${width}`);
  }
}

function readRaw(from: ByteReader, into: Float64Array, count: number): void {
  for (let index = 0; index < count; index++) {
    const value = from.double();
    if (!Number.isFinite(value)) throw new DamagedBytes(`value ${value} is not finite`);
    into[index] = value;
  }
}

function readWhole(from: ByteReader, into: Float64Array, count: number, form: number): void {
  if (form === FORMS.values) {
    readGroups(from, into, 0, count);
    return;
  }
  let value = from.signed();
  into[0] = value;
  if (form === FORMS.line) into.fill(from.signed(), 1, count);
  else readGroups(from, into, 1, count);
  for (let index = 1; index < count; index++) {
    value += into[index] as number;
    into[index] = value;
  }
}

/** Reads a column of `count` numbers into the front of `into`. @throws DamagedBytes */
export function readNumberColumn(from: ByteReader, into: Float64Array, count: number): void {
  if (count === 0) return;
  const head = from.byte();
  const form = head & ((1 << FORM_BITS) - 1);
  const ten = TENS[head >> FORM_BITS];
  if (form > FORMS.rawConstant || ten === undefined)
    throw new DamagedBytes(
      `first byte of a column must hold a form from 0 to 5 and 0 to 12 decimal places, got ${head}`,
    );
  if (form === FORMS.raw) {
    readRaw(from, into, count);
  } else if (form === FORMS.rawConstant) {
    readRaw(from, into, 1);
    into.fill(into[0] as number, 1, count);
  } else if (form === FORMS.constant) {
    into.fill(from.signed() / ten, 0, count);
  } else {
    readWhole(from, into, count, form);
    if (ten !== 1) for (let index = 0; index < count; index++) into[index] = (into[index] as number) / ten;
  }
}

function skipGroups(from: ByteReader, count: number): void {
  for (let at = 0; at < count; at += GROUP) {
    const size = Math.min(GROUP, count - at);
    const width = from.byte();
    from.varint();
    from.skip(bytesOf(width, size));
  }
}

/** Skips a column of `count` numbers. @throws DamagedBytes if the bytes end inside it */
export function skipNumberColumn(from: ByteReader, count: number): void {
  if (count === 0) return;
  const form = from.byte() & ((1 << FORM_BITS) - 1);
  if (form === FORMS.raw) from.skip(8 * count);
  else if (form === FORMS.rawConstant) from.skip(8);
  else if (form === FORMS.values) skipGroups(from, count);
  else {
    from.varint();
    if (form === FORMS.line) from.varint();
    else if (form === FORMS.steps) skipGroups(from, count - 1);
  }
}
