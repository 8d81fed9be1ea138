/** The dead letters of the memory queue, oldest first, within a bound on their bytes. */
import { type DeadLetter, type DeadLetterPage, MAX_PAGE_BYTES } from "../port.ts";
import type { StoredBatch } from "./batch.ts";

interface Letter {
  readonly batch: StoredBatch;
  readonly reason: string;
  readonly diedAt: number;
  /** Order of death, used as page cursor. It stays valid after letters before it are deleted. */
  readonly order: number;
}

const describe = ({ batch, reason, diedAt }: Letter): DeadLetter => ({
  id: batch.id,
  producer: batch.producer,
  epoch: batch.epoch,
  seq: batch.seq,
  readings: batch.readings,
  bytes: batch.body.byteLength,
  attempts: batch.returns,
  reason,
  publishedAt: batch.publishedAt,
  diedAt,
  body: batch.body,
});

export class DeadLetterShelf {
  readonly #maxBytes: number;
  readonly #letters = new Map<string, Letter>();
  #bytes = 0;
  #order = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#letters.size;
  }

  /**
   * Adds the newest letter, deletes the oldest ones until the bound is met, and returns the number deleted. The newest
   * stays even if it is larger than the bound.
   */
  add(batch: StoredBatch, reason: string, diedAt: number): number {
    this.#letters.set(batch.id, { batch, reason, diedAt, order: this.#order++ });
    this.#bytes += batch.body.byteLength;
    let dropped = 0;
    for (const oldest of this.#letters.values()) {
      if (this.#bytes <= this.#maxBytes || oldest.batch === batch) break;
      this.#remove(oldest);
      dropped++;
    }
    return dropped;
  }

  page(limit: number, after: number): DeadLetterPage {
    const letters: DeadLetter[] = [];
    let last = after;
    let next: string | null = null;
    let bytes = 0;
    for (const letter of this.#letters.values()) {
      if (letter.order <= after) continue;
      bytes += letter.batch.body.byteLength;
      if (letters.length === limit || (letters.length > 0 && bytes > MAX_PAGE_BYTES)) {
        next = String(last);
        break;
      }
      letters.push(describe(letter));
      last = letter.order;
    }
    return { letters, total: this.#letters.size, next };
  }

  /** Removes the named letters, or all, oldest first, until `accept` returns false. Returns the number removed. */
  take(ids: readonly string[] | undefined, accept: (batch: StoredBatch) => boolean): number {
    let taken = 0;
    for (const letter of ids === undefined ? this.#letters.values() : this.#named(ids)) {
      if (!accept(letter.batch)) break;
      this.#remove(letter);
      taken++;
    }
    return taken;
  }

  #named(ids: readonly string[]): Letter[] {
    const letters = [...new Set(ids)].map((id) => this.#letters.get(id)).filter((letter) => letter !== undefined);
    return letters.sort((a, b) => a.order - b.order);
  }

  #remove(letter: Letter): void {
    this.#letters.delete(letter.batch.id);
    this.#bytes -= letter.batch.body.byteLength;
  }
}
