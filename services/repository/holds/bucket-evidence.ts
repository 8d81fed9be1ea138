/**
 * Gathers the evidence of stored buckets. Series that always report together and name the same holders count as one:
 * a GPU has dozens of metrics, and nearly always they say the same.
 */
import { type Evidence, holdersOn, trackOf } from "../../../schema/batch/evidence.ts";
import { type HolderSet, NOBODY } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { Bucket } from "../bucket.ts";
import { seriesParts } from "./series-parts.ts";
import { EvidenceCollector, type GpuEvidence } from "./timeline.ts";

/** Returns the holders of the card at a time, by attributions that version 1 stored. */
export type EarlierHolders = (at: number) => HolderSet;

interface Part {
  readonly series: readonly Series[];
  readonly at: Float64Array;
  /** Undefined if each series has a reading at each time. */
  readonly values: readonly Float64Array[] | undefined;
  readonly marks: readonly number[];
  readonly evidence: Evidence | null | undefined;
}

const isFull = (values: readonly Float64Array[]): boolean =>
  values.every((cells) => !cells.some((value) => Number.isNaN(value)));

function partOf(bucket: Bucket): Part {
  const { at, values, marks } = bucket.unpack();
  return { series: bucket.series, at, values: isFull(values) ? undefined : values, marks, evidence: bucket.evidence() };
}

/** Numbers series; those with equal numbers have equal evidence in every part. */
class Classes {
  readonly #classOf = new Map<Series, number>();
  #count = 0;

  constructor(parts: readonly Part[]) {
    const byInstance = new Map<string, number>();
    const names = [...new Set(parts.flatMap(({ series }) => series))].map((name) => ({ name, ...seriesParts(name) }));
    const shared = new Set(names.filter(({ vgpu }) => vgpu !== "").map(({ merged }) => merged));
    for (const { name, instance, merged } of names) {
      // Replicas of one series are united, so they stay apart from each other and from all else.
      const key = shared.has(merged) ? name : `${instance}`;
      const number = byInstance.get(key) ?? this.#count++;
      byInstance.set(key, number);
      this.#classOf.set(name, number);
    }
    let before: Part | undefined;
    for (const part of parts) {
      const isAlike = before?.series === part.series && before.evidence === part.evidence;
      if (!isAlike || before?.values !== undefined || part.values !== undefined) this.#split(part);
      before = part;
    }
  }

  /** Separates series of one class that the part treats differently. */
  #split({ series, evidence, values }: Part): void {
    const columns = new Map(series.map((name, column) => [name, column]));
    const numbers = new Map<string, number>();
    this.#count = 0;
    for (const [name, number] of this.#classOf) {
      const column = columns.get(name);
      const says = column === undefined ? "" : values ? name : `${evidence?.ofColumn?.[column] ?? 0}`;
      const key = `${number} ${says}`;
      const split = numbers.get(key) ?? this.#count++;
      numbers.set(key, split);
      this.#classOf.set(name, split);
    }
  }

  /** Returns one column of each class. */
  columnsOf({ series }: Part): readonly number[] {
    const taken = new Set<number>();
    return series.flatMap((name, column) => {
      const number = this.#classOf.get(name) as number;
      if (taken.has(number)) return [];
      taken.add(number);
      return [column];
    });
  }
}

/** Returns what the readings and marks up to `until` (inclusive) say. */
export function evidenceOf(buckets: Iterable<Bucket>, until: number, earlier: EarlierHolders): GpuEvidence {
  const parts = [...buckets].map(partOf);
  const classes = new Classes(parts);
  const collector = new EvidenceCollector();
  for (const part of parts) {
    const { series, at, values, marks, evidence } = part;
    const columns = classes.columnsOf(part);
    const setAt = (column: number, tick: number): HolderSet => {
      if (evidence === undefined) return earlier(at[tick] as number);
      if (evidence === null) return NOBODY;
      return holdersOn(evidence, trackOf(evidence, column), tick);
    };
    const add = (column: number, tick: number, isMark: boolean) => {
      const time = at[tick] as number;
      if (time > until) return;
      collector.add({ series: series[column] as Series, at: time, holders: setAt(column, tick), isMark });
    };
    for (const column of columns) {
      const cells = values?.[column];
      for (let tick = 0; tick < at.length; tick++) if (!Number.isNaN(cells?.[tick] ?? 0)) add(column, tick, false);
    }
    const chosen = new Set(columns);
    for (const cell of marks) {
      const column = Math.floor(cell / at.length);
      if (chosen.has(column)) add(column, cell % at.length, true);
    }
  }
  return collector.evidence();
}
