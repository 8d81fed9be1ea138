/**
 * Numbers the GPUs, facts, series and slots of a builder. A slot combines facts, and so their GPU, with holders and a
 * series.
 */
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Holder, HolderSet } from "../model/holder.ts";
import type { Series } from "../model/reading.ts";
import type { Sighting } from "./batch.ts";
import { HolderSets } from "./holder-sets.ts";

type SlotFacts = Pick<Sighting, "facts" | "holder">;

const FACT_FIELDS = [
  "uuid",
  "instance",
  "index",
  "device",
  "model",
  "host",
  "driver",
  "pciBusId",
  "profile",
  "labels",
] as const satisfies readonly (keyof GpuFacts)[];

/** Batches of version 1 name at most one holder, and no jobs. */
const firstPod = (holders: HolderSet): Holder | null => holders.find(({ kind }) => kind === "pod") ?? null;

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

/** Grows with every new combination of facts, holders and series. */
export class SlotTable {
  readonly gpus = new Numbering<GpuUuid>();
  readonly series = new Numbering<Series>();
  readonly holders = new HolderSets();
  /** For each slot: the numbers of its GPU, facts, holders and series. */
  readonly gpuOf: number[] = [];
  readonly factsOf: number[] = [];
  readonly holdersOf: number[] = [];
  readonly seriesOf: number[] = [];
  /** Numbers the facts by a key that joins all their fields. */
  readonly #factKeys = new Numbering<string>();
  readonly #facts: SlotFacts[] = [];
  /** Sources give the rows of a GPU and its holder the same objects, which need no key. */
  readonly #known = new WeakMap<GpuFacts, number>();
  readonly #slots: Map<string, number>[] = [];
  readonly #factsHaveHolder: boolean;

  /** @param factsHaveHolder whether facts with different holders are different facts, as in batches of version 1 */
  constructor(factsHaveHolder: boolean) {
    this.#factsHaveHolder = factsHaveHolder;
  }

  slot(facts: GpuFacts, series: Series, holders: HolderSet): number {
    const holdersNumber = this.holders.number(holders);
    const factsNumber = this.#factsNumber(facts, holders, holdersNumber);
    const seriesNumber = this.series.number(series);
    const bySeries = this.#slots[factsNumber] as Map<string, number>;
    const key = `${seriesNumber} ${holdersNumber}`;
    let slot = bySeries.get(key);
    if (slot === undefined) {
      slot = this.gpuOf.push(this.gpus.number(facts.uuid)) - 1;
      this.factsOf.push(factsNumber);
      this.holdersOf.push(holdersNumber);
      this.seriesOf.push(seriesNumber);
      bySeries.set(key, slot);
    }
    return slot;
  }

  #factsNumber(facts: GpuFacts, holders: HolderSet, holdersNumber: number): number {
    const known = this.#factsHaveHolder ? undefined : this.#known.get(facts);
    if (known !== undefined) return known;
    let key = "";
    for (const field of FACT_FIELDS) key += lengthAnd(facts[field]);
    if (this.#factsHaveHolder) key += holdersNumber;
    const number = this.#factKeys.number(key);
    if (number === this.#facts.length) {
      this.#facts.push(this.#factsHaveHolder ? { facts, holder: firstPod(holders) } : { facts });
      this.#slots.push(new Map());
    }
    this.#known.set(facts, number);
    return number;
  }

  facts(number: number): SlotFacts {
    return this.#facts[number] as SlotFacts;
  }

  /** Compares two facts, given by number, by their content. */
  compareFacts(a: number, b: number): number {
    return compareText(this.#factKeys.texts[a] as string, this.#factKeys.texts[b] as string);
  }
}
