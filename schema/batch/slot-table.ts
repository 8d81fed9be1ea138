/** Numbers the GPUs, facts, series and slots of a builder. A slot combines facts, and so their GPU, with a series. */
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers texts in the order in which they are first seen. */
class Numbering<T extends string> {
  readonly texts: T[] = [];
  readonly #numbers = new Map<T, number>();
  #ranks: Int32Array | undefined;

  number(text: T): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.texts.push(text) - 1;
      this.#numbers.set(text, number);
      this.#ranks = undefined;
    }
    return number;
  }

  /** For each number: the rank of its text in ascending order. */
  get ranks(): Int32Array {
    if (this.#ranks === undefined) {
      const order = this.texts.map((_, number) => number);
      order.sort((a, b) => compareText(this.texts[a] as T, this.texts[b] as T));
      this.#ranks = new Int32Array(order.length);
      for (const [rank, number] of order.entries()) this.#ranks[number] = rank;
    }
    return this.#ranks;
  }
}

/** Prefixes a text with its length, so that different lists of texts never join to the same key. */
const lengthAnd = (text: string | null): string => (text === null ? "-" : `${text.length}:${text}`);

/** Grows with every new combination of facts and series. */
export class SlotTable {
  readonly gpus = new Numbering<GpuUuid>();
  readonly series = new Numbering<Series>();
  /** For each slot: the numbers of its GPU, facts and series. */
  readonly gpuOf: number[] = [];
  readonly factsOf: number[] = [];
  readonly seriesOf: number[] = [];
  /** Numbers the facts by a key that joins all their fields. */
  readonly #factKeys = new Numbering<string>();
  readonly #facts: GpuFacts[] = [];
  readonly #slots: Map<number, number>[] = [];

  slot(facts: GpuFacts, series: Series): number {
    const { uuid, index, device, model, host, driver, container, pod, namespace } = facts;
    const held = lengthAnd(driver) + lengthAnd(container) + lengthAnd(pod) + lengthAnd(namespace);
    const key = lengthAnd(uuid) + lengthAnd(index) + lengthAnd(device) + lengthAnd(model) + lengthAnd(host) + held;
    const factsNumber = this.#factKeys.number(key);
    if (factsNumber === this.#facts.length) {
      this.#facts.push({ uuid, index, device, model, host, driver, container, pod, namespace });
      this.#slots.push(new Map());
    }
    const seriesNumber = this.series.number(series);
    const bySeries = this.#slots[factsNumber] as Map<number, number>;
    let slot = bySeries.get(seriesNumber);
    if (slot === undefined) {
      slot = this.gpuOf.push(this.gpus.number(uuid)) - 1;
      this.factsOf.push(factsNumber);
      this.seriesOf.push(seriesNumber);
      bySeries.set(seriesNumber, slot);
    }
    return slot;
  }

  facts(number: number): GpuFacts {
    return this.#facts[number] as GpuFacts;
  }

  /** Compares two facts, given by number, by their content. */
  compareFacts(a: number, b: number): number {
    return compareText(this.#factKeys.texts[a] as string, this.#factKeys.texts[b] as string);
  }
}
