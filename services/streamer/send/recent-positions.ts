/** Remembers where the last batches of a run ended, so that the run can go back if the queue loses some of them. */
import type { StreamPosition } from "./position.ts";

const MAX_POSITIONS = 1024;

export class RecentPositions {
  readonly #positions = new Map<string, StreamPosition>();

  add(producer: string, seq: number, position: StreamPosition): void {
    this.#positions.set(`${seq} ${producer}`, position);
    if (this.#positions.size <= MAX_POSITIONS) return;
    const oldest = this.#positions.keys().next();
    if (!oldest.done) this.#positions.delete(oldest.value);
  }

  /** Forgets the batches after `last`, which are cut again and may end elsewhere. */
  forgetAfter(producer: string, last: number): void {
    for (const key of this.#positions.keys()) {
      const [seq = "", name] = key.split(/ (.*)/s);
      if (name === producer && Number(seq) > last) this.#positions.delete(key);
    }
  }

  get(producer: string, seq: number): StreamPosition | undefined {
    return this.#positions.get(`${seq} ${producer}`);
  }
}
