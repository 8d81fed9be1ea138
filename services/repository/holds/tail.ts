/** Joins evidence, and cuts off what a later derivation of holds does not need. */
import type { Holder } from "../../../schema/model/holder.ts";
import { type GpuEvidence, HolderNumbers, type InstanceEvidence, type Timeline } from "./timeline.ts";
import { READINGS, readingsBefore } from "./window.ts";

/** Numbers the holders of a timeline anew. */
function renumber(timeline: Timeline, holders: readonly Holder[], numbers: HolderNumbers): Timeline {
  const list = (named: readonly number[]) => numbers.list(named.map((number) => holders[number] as Holder));
  const marks = timeline.marks.map(({ at, ended }) => ({ at, ended: list(ended) }));
  return { ...timeline, named: timeline.named.map(list), marks };
}

/** Returns the readings that a derivation from this time on looks at, and the marks. */
function timelineTail(timeline: Timeline, from: number): Timeline {
  const { at, named, marks } = timeline;
  const before = readingsBefore(timeline, from);
  const first = Math.max(0, before - READINGS);
  // Earlier marks are undone by the last reading before `from`.
  const since = before === 0 ? from : (at[before - 1] as number);
  return {
    ...timeline,
    at: at.slice(first),
    named: named.slice(first),
    marks: marks.filter((mark) => mark.at >= since),
  };
}

/** Returns the part of the evidence that is needed to derive the holds again from this time on. */
export function tailOf({ holders, instances, newest }: GpuEvidence, from: number): GpuEvidence {
  const numbers = new HolderNumbers();
  const kept = instances.map(({ instance, timelines }): InstanceEvidence => {
    return { instance, timelines: timelines.map((one) => renumber(timelineTail(one, from), holders, numbers)) };
  });
  return { holders: numbers.holders, instances: kept, newest };
}

/** Joins evidence with other evidence all of which is later. */
export function joinEvidence(older: GpuEvidence, newer: GpuEvidence): GpuEvidence {
  const numbers = new HolderNumbers();
  const joined = new Map<string | null, Map<string, Timeline>>();
  for (const { holders, instances } of [older, newer]) {
    for (const { instance, timelines } of instances) {
      const bySeries = joined.get(instance) ?? new Map<string, Timeline>();
      joined.set(instance, bySeries);
      for (const timeline of timelines) {
        const { series, at, named, marks } = renumber(timeline, holders, numbers);
        const known = bySeries.get(series) ?? { series, at: [], named: [], marks: [] };
        bySeries.set(series, {
          series,
          at: [...known.at, ...at],
          named: [...known.named, ...named],
          marks: [...known.marks, ...marks],
        });
      }
    }
  }
  const instances = [...joined].map(([instance, bySeries]) => ({ instance, timelines: [...bySeries.values()] }));
  return { holders: numbers.holders, instances, newest: Math.max(older.newest, newer.newest) };
}

/** Returns how many readings and marks the evidence has. */
export function sizeOf({ instances }: GpuEvidence): number {
  let size = 0;
  for (const { timelines } of instances) for (const { at, marks } of timelines) size += at.length + marks.length;
  return size;
}
