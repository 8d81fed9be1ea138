/**
 * Evidence of one GPU, arranged by MIG instance and series: who the rows of a series named, and when. Series that
 * differ only in `vgpu` are one: dcgm-exporter prints a row per replica of a shared GPU.
 */
import { type Holder, type HolderSet, holderKey } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { type SeriesParts, seriesParts } from "./series-parts.ts";

/** What the rows of one series named at one time. A mark: the rows of these holders have ended. */
export interface Observation {
  readonly series: Series;
  /** ms since the epoch */
  readonly at: number;
  readonly holders: HolderSet;
  readonly isMark: boolean;
}

/** Readings of a merged series in ascending order of time. */
export interface Timeline {
  /** Name without `vgpu`. */
  readonly series: string;
  /** Times of readings. */
  readonly at: number[];
  /** For each reading: the holders that its rows named, by number. */
  readonly named: (readonly number[])[];
  /** Times of marks with the holders whose rows have ended, ascending. */
  readonly marks: { readonly at: number; readonly ended: readonly number[] }[];
}

export interface InstanceEvidence {
  /** MIG instance; null: the card. */
  readonly instance: string | null;
  readonly timelines: readonly Timeline[];
}

/** The evidence of one GPU. Holders are numbered in the order of first use. */
export interface GpuEvidence {
  readonly holders: readonly Holder[];
  readonly instances: readonly InstanceEvidence[];
  /** Time of the newest reading of any series; negative infinity without one. */
  readonly newest: number;
}

interface Cell {
  /** Holders by key; null once a row without a holder was there: it is the truer one. */
  named: Map<string, Holder> | null;
}

interface Replica {
  /** Readings by time. */
  readonly cells: Map<number, Cell>;
  readonly marks: Map<number, Map<string, Holder>>;
}

/** Gathers observations in any order; several packets may report one series and time. */
export class EvidenceCollector {
  /** By instance, then merged series, then `vgpu`. */
  readonly #instances = new Map<string | null, Map<string, Map<string, Replica>>>();
  readonly #parts = new Map<Series, SeriesParts>();

  add({ series, at, holders, isMark }: Observation): void {
    const replica = this.#replica(series);
    if (isMark) {
      const marked = replica.marks.get(at) ?? new Map<string, Holder>();
      for (const holder of holders) marked.set(holderKey(holder), holder);
      replica.marks.set(at, marked);
      return;
    }
    const cell = replica.cells.get(at);
    if (cell === undefined) {
      const named = holders.length === 0 ? null : new Map(holders.map((holder) => [holderKey(holder), holder]));
      replica.cells.set(at, { named });
    } else if (holders.length === 0) {
      cell.named = null;
    } else if (cell.named !== null) {
      for (const holder of holders) cell.named.set(holderKey(holder), holder);
    }
  }

  #replica(series: Series): Replica {
    let parts = this.#parts.get(series);
    if (parts === undefined) {
      parts = seriesParts(series);
      this.#parts.set(series, parts);
    }
    const bySeries = this.#instances.get(parts.instance) ?? new Map<string, Map<string, Replica>>();
    this.#instances.set(parts.instance, bySeries);
    const replicas = bySeries.get(parts.merged) ?? new Map<string, Replica>();
    bySeries.set(parts.merged, replicas);
    const replica = replicas.get(parts.vgpu) ?? { cells: new Map(), marks: new Map() };
    replicas.set(parts.vgpu, replica);
    return replica;
  }

  evidence(): GpuEvidence {
    const numbers = new HolderNumbers();
    let newest = Number.NEGATIVE_INFINITY;
    const instances = [...this.#instances].map(([instance, bySeries]): InstanceEvidence => {
      const timelines = [...bySeries].map(([series, replicas]) => timelineOf(series, [...replicas.values()], numbers));
      for (const { at } of timelines) newest = Math.max(newest, at.at(-1) ?? newest);
      return { instance, timelines };
    });
    return { holders: numbers.holders, instances, newest };
  }
}

/** Numbers holders in the order of first use. */
class HolderNumbers {
  readonly holders: Holder[] = [];
  readonly #numbers = new Map<string, number>();
  /** Lists of numbers by their text, so that equal lists are one object. */
  readonly #lists = new Map<string, readonly number[]>();

  list(holders: Iterable<Holder>): readonly number[] {
    const numbers = [...holders].map((holder) => this.#number(holder)).sort((a, b) => a - b);
    const key = numbers.join();
    const known = this.#lists.get(key) ?? numbers;
    this.#lists.set(key, known);
    return known;
  }

  #number(holder: Holder): number {
    const key = holderKey(holder);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.holders.push(holder) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

function timelineOf(series: string, replicas: readonly Replica[], numbers: HolderNumbers): Timeline {
  const at = [...new Set(replicas.flatMap(({ cells }) => [...cells.keys()]))].sort((a, b) => a - b);
  const named = at.map((time) => {
    const union = new Map<string, Holder>();
    for (const { cells } of replicas) for (const [key, holder] of cells.get(time)?.named ?? []) union.set(key, holder);
    return numbers.list(union.values());
  });
  const ends = new Map<number, Map<string, Holder>>();
  for (const { cells, marks } of replicas) {
    for (const [time, ended] of marks) {
      // A mark ends a series only where no row of it has a value.
      if (cells.has(time)) continue;
      const all = ends.get(time) ?? new Map<string, Holder>();
      for (const [key, holder] of ended) all.set(key, holder);
      ends.set(time, all);
    }
  }
  const marks = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([time, ended]) => ({ at: time, ended: numbers.list(ended.values()) }));
  return { series, at, named, marks };
}
