/** Numbers the sets of holders of a builder, and unites them. Number 0 is the empty set. */
import { type HolderSet, holderKey, holderSetOf, NOBODY } from "../model/holder.ts";

export class HolderSets {
  readonly sets: HolderSet[] = [NOBODY];
  readonly #numbers = new Map<string, number>([["", 0]]);
  /** Sources give rows of the same holders the same object, which needs no key. */
  readonly #known = new WeakMap<HolderSet, number>();
  /** By the two numbers, the smaller one first. */
  readonly #unions = new Map<string, number>();

  number(holders: HolderSet): number {
    const known = this.#known.get(holders);
    if (known !== undefined) return known;
    const key = holders.map(holderKey).join();
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.sets.push(holders) - 1;
      this.#numbers.set(key, number);
    }
    this.#known.set(holders, number);
    return number;
  }

  /**
   * Merges the sets that two rows of one series and time name. A row without a holder makes the result empty:
   * Prometheus repeats the rows of holders that have ended for some minutes, together with the device's new row.
   */
  merge(a: number, b: number): number {
    if (a === b) return a;
    if (a === 0 || b === 0) return 0;
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    let union = this.#unions.get(key);
    if (union === undefined) {
      union = this.number(holderSetOf([...(this.sets[a] as HolderSet), ...(this.sets[b] as HolderSet)]));
      this.#unions.set(key, union);
    }
    return union;
  }
}
