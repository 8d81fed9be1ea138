/** What the numbers of a batch builder stand for: GPUs, their facts, series, and slots, which are one of each. */
import type { GpuFacts, GpuUuid } from "./gpu.ts";
import type { Series } from "./reading.ts";

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers for things, in the order in which they were first seen. */
class Numbering<T> {
  readonly things: T[] = [];
  readonly #numbers = new Map<T, number>();
  #ranks: Int32Array | undefined;

  number(thing: T): number {
    let number = this.#numbers.get(thing);
    if (number === undefined) {
      number = this.things.push(thing) - 1;
      this.#numbers.set(thing, number);
      this.#ranks = undefined;
    }
    return number;
  }

  /** Number → place in ascending order. */
  get ranks(): Int32Array {
    if (this.#ranks === undefined) {
      const order = this.things.map((_, number) => number);
      order.sort((a, b) => compare(this.things[a] as T, this.things[b] as T));
      this.#ranks = new Int32Array(order.length);
      for (const [rank, number] of order.entries()) this.#ranks[number] = rank;
    }
    return this.#ranks;
  }
}

interface Slot {
  readonly gpu: number;
  readonly facts: number;
  readonly series: number;
}

export class SlotTable {
  readonly gpus = new Numbering<GpuUuid>();
  readonly series = new Numbering<Series>();
  /** All fields of a GPU's facts as one text. */
  readonly factKeys = new Numbering<string>();
  readonly #facts: GpuFacts[] = [];
  readonly #slots: Slot[] = [];
  readonly #bySeries: Map<number, number>[] = [];

  slot(facts: GpuFacts, series: Series): number {
    const { uuid, index, device, model, host, driver, container, pod, namespace } = facts;
    const key = JSON.stringify([uuid, index, device, model, host, driver, container, pod, namespace]);
    const factsNumber = this.factKeys.number(key);
    if (factsNumber === this.#facts.length) {
      this.#facts.push({ uuid, index, device, model, host, driver, container, pod, namespace });
      this.#bySeries.push(new Map());
    }
    const seriesNumber = this.series.number(series);
    const slots = this.#bySeries[factsNumber] as Map<number, number>;
    let slot = slots.get(seriesNumber);
    if (slot === undefined) {
      slot = this.#slots.push({ gpu: this.gpus.number(uuid), facts: factsNumber, series: seriesNumber }) - 1;
      slots.set(seriesNumber, slot);
    }
    return slot;
  }

  of(slot: number): Slot {
    return this.#slots[slot] as Slot;
  }

  facts(number: number): GpuFacts {
    return this.#facts[number] as GpuFacts;
  }
}
