/** Derives the evidence of a block from the set of holders in each of its cells. */
import type { HolderSet } from "../model/holder.ts";
import { constantEvidence, type Evidence, type Run, type Track } from "./evidence.ts";

/** Numbers things by a key, in order of first use. */
class FirstUse<T> {
  readonly items: T[] = [];
  readonly #numbers = new Map<string | number, number>();

  number(key: string | number, item: () => T): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.items.push(item()) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

export class TrackFinder {
  readonly #sets: readonly HolderSet[];
  readonly #constant = new Map<number, Evidence | null>();

  /** @param sets by their numbers in the cells; may grow */
  constructor(sets: readonly HolderSet[]) {
    this.#sets = sets;
  }

  /** Returns the evidence of a block all of whose rows name the same set. Equal numbers give the same object. */
  constant(set: number): Evidence | null {
    let evidence = this.#constant.get(set);
    if (evidence === undefined) {
      evidence = constantEvidence(this.#sets[set] as HolderSet);
      this.#constant.set(set, evidence);
    }
    return evidence;
  }

  /**
   * @param setOf the set in each cell, column after column
   * @param isFilled whether a cell has a reading or a mark
   */
  find(setOf: Int32Array, times: number, columns: number, isFilled: (cell: number) => boolean): Evidence | null {
    const sets = new FirstUse<number>();
    const tracks = new FirstUse<Track>();
    const ofColumn: number[] = [];
    for (let column = 0; column < columns; column++) {
      const track: Run[] = [];
      for (let tick = 0; tick < times; tick++) {
        const cell = column * times + tick;
        if (!isFilled(cell)) continue;
        const set = setOf[cell] as number;
        const number = set === 0 ? 0 : sets.number(set, () => set) + 1;
        if (track.at(-1)?.set !== number) track.push({ tick: track.length === 0 ? 0 : tick, set: number });
      }
      ofColumn.push(tracks.number(track.map(({ tick, set }) => `${tick}:${set}`).join(), () => track));
    }
    if (sets.items.length === 0) return null;
    const [first, second] = tracks.items as [Track, Track | undefined];
    if (second === undefined && first.length === 1) return this.constant(sets.items[0] as number);
    return {
      sets: sets.items.map((set) => this.#sets[set] as HolderSet),
      tracks: tracks.items,
      ofColumn: second === undefined ? null : ofColumn,
    };
  }
}
