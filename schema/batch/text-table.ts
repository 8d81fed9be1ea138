/** The texts of a batch: each is written once and referred to by number, from 1; 0 is null. */
import { type GpuUuid, parseGpuUuid } from "../model/gpu.ts";
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

/** Reads numbers and resolves them to texts. Every method throws DamagedBytes. */
export class WrittenTexts {
  readonly #texts: string[] = [];
  readonly #uuids: GpuUuid[] = [];

  constructor(from: ByteReader) {
    const count = from.bounded(from.left, "number of texts");
    while (this.#texts.length < count) this.#texts.push(from.text(MAX_TEXT_BYTES));
  }

  optional(from: ByteReader): string | null {
    const number = from.bounded(this.#texts.length, "number of a text");
    return number === 0 ? null : (this.#texts[number - 1] as string);
  }

  text(from: ByteReader): string {
    const text = this.optional(from);
    if (text === null) throw new DamagedBytes("a required text must not be null");
    return text;
  }

  uuid(from: ByteReader): GpuUuid {
    const number = from.bounded(this.#texts.length, "number of a uuid");
    const known = this.#uuids[number];
    if (known !== undefined) return known;
    const parsed = parseGpuUuid(this.#texts[number - 1] ?? "");
    if (!parsed.ok) throw new DamagedBytes(parsed.error);
    this.#uuids[number] = parsed.value;
    return parsed.value;
  }
}
