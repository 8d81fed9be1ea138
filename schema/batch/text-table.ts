/** The texts of a batch: each is written once and referred to by number, from 1; 0 is null. */
import { type GpuUuid, parseGpuUuid } from "../model/gpu.ts";
import { isPrintable } from "../model/printable.ts";
import { shown } from "../model/shown.ts";
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

const MAX_TEXT_BYTES = 1024 * 1024;

export class TextTable {
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string | null): number {
    if (text === null) return 0;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text);
      this.#numbers.set(text, number);
    }
    return number;
  }

  write(out: ByteWriter): void {
    out.varint(this.#texts.length);
    for (const text of this.#texts) out.text(text);
  }
}

/**
 * Reads numbers and resolves them to texts. A text is decoded at its first reference, so a text without a reference
 * takes only four bytes. Every method throws DamagedBytes.
 */
export class WrittenTexts {
  readonly #from: ByteReader;
  /** For each number: the offset at which its text begins. */
  readonly #offsets: Uint32Array;
  /** For each number: its decoded text. Grows without holes, because the writer numbers texts by first reference. */
  readonly #texts: (string | undefined)[] = [];
  readonly #uuids: GpuUuid[] = [];

  constructor(from: ByteReader, maxTexts: number) {
    this.#from = from;
    const count = from.bounded(Math.min(maxTexts, from.left), "number of texts");
    this.#offsets = new Uint32Array(count + 1);
    for (let number = 1; number <= count; number++) {
      this.#offsets[number] = from.offset;
      from.skip(from.bounded(MAX_TEXT_BYTES, "length of a text"));
    }
  }

  optional(from: ByteReader): string | null {
    const number = from.bounded(this.#offsets.length - 1, "number of a text");
    return number === 0 ? null : this.#text(number);
  }

  #text(number: number): string {
    let text = this.#texts[number];
    if (text === undefined) {
      text = this.#from.textAt(this.#offsets[number] as number);
      if (!isPrintable(text)) throw new DamagedBytes(`text ${number} must be printable, got ${shown(text)}`);
      this.#texts[number] = text;
    }
    return text;
  }

  text(from: ByteReader): string {
    const text = this.optional(from);
    if (text === null) throw new DamagedBytes("a required text must not be null");
    return text;
  }

  uuid(from: ByteReader): GpuUuid {
    const number = from.bounded(this.#offsets.length - 1, "number of a uuid");
    const known = this.#uuids[number];
    if (known !== undefined) return known;
    const parsed = parseGpuUuid(number === 0 ? "" : this.#text(number));
    if (!parsed.ok) throw new DamagedBytes(parsed.error);
    this.#uuids[number] = parsed.value;
    return parsed.value;
  }
}
