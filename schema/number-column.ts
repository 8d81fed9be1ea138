/**
 * A run of doubles, packed by what they turn out to be: one value all along, whole numbers or decimals in as few bits
 * as their differences or spans need, or eight bytes each.
 *
 * First byte: form in the low two bits, decimal places in the rest. Whole numbers follow in groups of `GROUP`: width
 * (bits; from `WIDE` on bytes), smallest (signed varint), then what each has above it.
 */
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

const FORMS = { constant: 0, values: 1, steps: 2, raw: 3 } as const;
const GROUP = 32;
const MAX_BITS = 25;
const WIDE = 28;
/** Leaves room for the difference of two, twice as large again in a signed varint. */
const MAX_WHOLE = 2 ** 50;
const MAX_PLACES = 12;
const TENS = Array.from({ length: MAX_PLACES + 1 }, (_, places) => Number(`1e${places}`));

/** The least decimal places with which every value is a whole number and comes back exactly; -1: there are none. */
function placesOf(values: Float64Array, count: number): number {
  let places = 0;
  let ten = 1;
  let largest = 0;
  for (let index = 0; index < count; index++) {
    const value = values[index] as number;
    if (value === 0 && 1 / value < 0) return -1;
    largest = Math.max(largest, Math.abs(value));
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

export class NumberColumn {
  #whole = new Float64Array(256);
  #steps = new Float64Array(256);
  #spans: { readonly values: Spans; readonly steps: Spans } = { values: spansFor(256), steps: spansFor(256) };

  /** `count` finite values of `values`, 1 at least. */
  write(out: ByteWriter, values: Float64Array, count: number): void {
    const first = values[0] as number;
    let same = 1;
    while (same < count && values[same] === first) same++;
    const places = placesOf(values, same === count ? 1 : count);
    if (places === -1) {
      out.byte(FORMS.raw);
      for (let index = 0; index < count; index++) out.double(values[index] as number);
      return;
    }
    const ten = TENS[places] as number;
    if (same === count) {
      out.byte(FORMS.constant | (places << 2));
      out.signed(Math.round(first * ten));
      return;
    }
    this.#grow(count);
    const whole = this.#whole;
    const steps = this.#steps;
    let previous = Math.round(first * ten);
    whole[0] = previous;
    for (let index = 1; index < count; index++) {
      const next = Math.round((values[index] as number) * ten);
      whole[index] = next;
      steps[index - 1] = next - previous;
      previous = next;
    }
    const asValues = measure(whole, count, this.#spans.values);
    const asSteps = measure(steps, count - 1, this.#spans.steps);
    if (asValues <= asSteps) {
      out.byte(FORMS.values | (places << 2));
      writeGroups(out, whole, count, this.#spans.values);
    } else {
      out.byte(FORMS.steps | (places << 2));
      out.signed(whole[0] as number);
      writeGroups(out, steps, count - 1, this.#spans.steps);
    }
  }

  #grow(count: number): void {
    if (count <= this.#whole.length) return;
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

/** Fills the first `count` numbers of `into`. @throws DamagedBytes */
export function readNumberColumn(from: ByteReader, into: Float64Array, count: number): void {
  const head = from.byte();
  const places = head >> 2;
  const form = head & 3;
  if (form === FORMS.raw) {
    for (let index = 0; index < count; index++) {
      const value = from.double();
      if (!Number.isFinite(value)) throw new DamagedBytes(`value ${value} is not finite`);
      into[index] = value;
    }
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
