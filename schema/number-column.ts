/**
 * A run of doubles, packed by what they turn out to be: one value all along, whole numbers or decimals in as few bits
 * as their differences or spans need, or eight bytes each.
 *
 * First byte: form in the low two bits, decimal places in the rest. Whole numbers follow in groups of `GROUP`: width
 * (bits; from `WIDE` on bytes), smallest (signed varint), then what each has above it. Behind `raw` the rest of the
 * first byte is `RAW_ONCE` where one double stands for all.
 */
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

const FORMS = { constant: 0, values: 1, steps: 2, raw: 3 } as const;
const RAW_EACH = 0;
const RAW_ONCE = 1;
const GROUP = 32;
const MAX_BITS = 25;
const WIDE = 28;
/** Leaves room for the difference of two, twice as large again in a signed varint. */
const MAX_WHOLE = 2 ** 50;
const MAX_PLACES = 12;
const TENS = Array.from({ length: MAX_PLACES + 1 }, (_, places) => Number(`1e${places}`));

/** The least decimal places with which every value is a whole number and comes back exactly; -1: there are none. */
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
  // A decimal that is whole at fewer places is whole at more, as long as it does not grow out of the doubles' precision.
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

/** Groups of `GROUP` numbers: the smallest and the span of each. */
interface Spans {
  readonly least: Float64Array;
  readonly width: Uint8Array;
}

/** Writes number columns, one after the other, with the same scratch memory. */
export class NumberColumn {
  #whole = new Float64Array(GROUP);
  #steps = new Float64Array(GROUP);
  #spans: { readonly values: Spans; readonly steps: Spans } = { values: spansFor(GROUP), steps: spansFor(GROUP) };

  /** `count` finite values of `values` from `start`; nothing is written for none. */
  write(out: ByteWriter, values: Float64Array, start: number, count: number): void {
    if (count === 0) return;
    const end = start + count;
    const first = values[start] as number;
    let index = start + 1;
    while (index < end && Object.is(values[index], first)) index++;
    const isConstant = index === end;
    const places = placesOf(values, start, isConstant ? start + 1 : end);
    if (places === -1) {
      out.byte(FORMS.raw | ((isConstant ? RAW_ONCE : RAW_EACH) << 2));
      for (index = start; index < (isConstant ? start + 1 : end); index++) out.double(values[index] as number);
      return;
    }
    const ten = TENS[places] as number;
    if (isConstant) {
      out.byte(FORMS.constant | (places << 2));
      out.signed(Math.round(first * ten));
      return;
    }
    this.#fill(values, start, count, ten);
    const asValues = measure(this.#whole, count, this.#spans.values);
    const asSteps = measure(this.#steps, count - 1, this.#spans.steps);
    if (asValues <= asSteps) {
      out.byte(FORMS.values | (places << 2));
      writeGroups(out, this.#whole, count, this.#spans.values);
    } else {
      out.byte(FORMS.steps | (places << 2));
      out.signed(this.#whole[0] as number);
      writeGroups(out, this.#steps, count - 1, this.#spans.steps);
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

/** Finds each group's span; returns about how many bytes the whole takes. */
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
    else throw new DamagedBytes(`a width of ${width} is not known`);
  }
}

function readRaw(from: ByteReader, into: Float64Array, count: number, repeated: number): void {
  if (repeated > RAW_ONCE) throw new DamagedBytes(`raw values of kind ${repeated} are not known`);
  const written = repeated === RAW_ONCE ? 1 : count;
  for (let index = 0; index < written; index++) {
    const value = from.double();
    if (!Number.isFinite(value)) throw new DamagedBytes(`value ${value} is not finite`);
    into[index] = value;
  }
  into.fill(into[0] as number, written, count);
}

/** Fills the first `count` numbers of `into`. @throws DamagedBytes */
export function readNumberColumn(from: ByteReader, into: Float64Array, count: number): void {
  if (count === 0) return;
  const head = from.byte();
  const places = head >> 2;
  const form = head & 3;
  if (form === FORMS.raw) {
    readRaw(from, into, count, places);
    return;
  }
  const ten = TENS[places];
  if (ten === undefined) throw new DamagedBytes(`${places} decimal places are too many`);
  if (form === FORMS.constant) {
    into.fill(from.signed() / ten, 0, count);
    return;
  }
  if (form === FORMS.values) {
    readGroups(from, into, 0, count);
  } else {
    let value = from.signed();
    into[0] = value;
    readGroups(from, into, 1, count);
    for (let index = 1; index < count; index++) {
      value += into[index] as number;
      into[index] = value;
    }
  }
  if (ten !== 1) for (let index = 0; index < count; index++) into[index] = (into[index] as number) / ten;
}
