/** Finds the ends of Zstandard frames (RFC 8878 section 3.1) from their headers, without decompressing. */

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE_BLOCK = 1;
const CHECKSUM_BYTES = 4;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/** Length of each kind of header, in bytes. */
const HEADER_BYTES = { magic: 4, skippable: 4, descriptor: 1, block: 3 } as const;
type Header = keyof typeof HEADER_BYTES;

export class ZstdFrames {
  /** The header after the current body. `end`: the frame ends there. `foreign`: the bytes are not Zstandard. */
  #next: Header | "end" | "foreign" = "magic";
  #body = 0;
  #gathered = 0;
  #header = 0;
  #checksumBytes = 0;

  /** True after the first byte of a frame, until its last byte. */
  get inside(): boolean {
    return !(this.#next === "magic" && this.#gathered === 0);
  }

  /** Advances to the end of the frame or of `bytes`, whichever comes first, and returns that index. */
  advance(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length) {
      if (this.#next === "foreign") return bytes.length;
      const skipped = Math.min(this.#body, bytes.length - at);
      this.#body -= skipped;
      at += skipped;
      if (this.#body > 0) return at;
      if (this.#next === "end") break;
      if (at === bytes.length) return at;
      this.#header += (bytes[at] as number) * 2 ** (8 * this.#gathered);
      this.#gathered += 1;
      at += 1;
      if (this.#gathered === HEADER_BYTES[this.#next]) {
        const header = this.#header;
        this.#header = 0;
        this.#gathered = 0;
        this.#read(this.#next, header);
      }
    }
    if (this.#next === "end" && this.#body === 0) this.#next = "magic";
    return at;
  }

  #read(kind: Header, header: number): void {
    switch (kind) {
      case "magic":
        if (header === MAGIC) this.#next = "descriptor";
        else this.#next = header >= SKIPPABLE_MAGIC && header < SKIPPABLE_MAGIC + 16 ? "skippable" : "foreign";
        return;
      case "skippable":
        this.#body = header;
        this.#next = "end";
        return;
      case "descriptor": {
        const single = (header & 0x20) !== 0;
        const contentSize = CONTENT_SIZE_BYTES[header >> 6] ?? 0;
        this.#body = (single ? Math.max(1, contentSize) : 1 + contentSize) + (DICTIONARY_ID_BYTES[header & 3] ?? 0);
        this.#checksumBytes = (header & 4) === 0 ? 0 : CHECKSUM_BYTES;
        this.#next = "block";
        return;
      }
      case "block": {
        const last = (header & 1) !== 0;
        this.#body = (((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3) + (last ? this.#checksumBytes : 0);
        this.#next = last ? "end" : "block";
        return;
      }
      default:
        kind satisfies never;
    }
  }
}
