/** Answers questions over time: reads the columns of the GPUs that match, and folds them into groups. */
import { AppError } from "../../../schema/model/errors.ts";
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { ColumnsRepository, SeriesColumn } from "../../repository/columns.ts";
import type { GpuCursor, GpuRepository } from "../../repository/port.ts";
import { instanceOf } from "../held-readings.ts";
import type { Across } from "./across.ts";
import { SeriesFold } from "./fold.ts";
import { countsSteps, Group, measuredBy } from "./group.ts";
import { asksHolders, asksHosts, type Membership, membershipsOf, type SeriesQuestion } from "./stretches.ts";
import { type Windows, windowsOf } from "./windows.ts";

export type SeriesStore = ColumnsRepository & Pick<GpuRepository, "gpus" | "gpusByUuid" | "holds" | "placements">;

export interface SeriesQuery extends SeriesQuestion {
  readonly metrics: readonly string[];
  /** Both ends finite. */
  readonly window: Window;
  /** null: one window. */
  readonly stepMs: number | null;
  /** Undefined: as usual for the metric. */
  readonly across: Across | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SeriesAnswer {
  readonly windows: Windows;
  /** By metric, then by key. */
  readonly groups: readonly Group[];
}

/** Groups × windows of one answer. */
export const VALUES_MAX = 100_000;
/** GPUs whose holds and placements are in memory. */
const SLICE = 64;
const HOLDS_MAX = 640_000;

/** Yields the GPUs that may match, in slices. */
async function* gpusFor(store: SeriesStore, { filter, window, signal }: SeriesQuery): AsyncGenerator<readonly Gpu[]> {
  const { uuid, hostname, model, namespace, pod, job } = filter;
  if (uuid !== undefined || hostname !== undefined) {
    const placed = hostname === undefined ? [] : await store.placements({ host: hostname }, window, { signal });
    const among = uuid === undefined ? [...new Set(placed.map(({ gpu }) => gpu))] : [uuid as GpuUuid];
    const gpus = (await store.gpusByUuid(among, { signal })).filter(
      (gpu) => model === undefined || gpu.model === model,
    );
    for (let start = 0; start < gpus.length; start += SLICE) yield gpus.slice(start, start + SLICE);
    return;
  }
  for (let after: GpuCursor | undefined; ; ) {
    const page = await store.gpus({ filter: { model, namespace, pod, job, window }, limit: SLICE, after, signal });
    if (page.gpus.length > 0) yield page.gpus;
    if (page.next === null) return;
    after = page.next;
  }
}

/** The folds of one GPU: by group, then by what the series measure. */
type GpuFolds = Map<Group, Map<string, Map<Series, SeriesFold>>>;

class Reader {
  readonly #query: SeriesQuery;
  readonly #windows: Windows;
  readonly #groups = new Map<string, Group>();

  constructor(query: SeriesQuery) {
    this.#query = query;
    this.#windows = windowsOf(query.window, query.stepMs);
  }

  async readGpus(store: SeriesStore, gpus: readonly Gpu[]): Promise<void> {
    const { metrics, window, signal } = this.#query;
    const uuids = gpus.map(({ uuid }) => uuid);
    const holds = asksHolders(this.#query) ? await store.holds(uuids, window, { max: HOLDS_MAX, signal }) : undefined;
    const memberships = new Map<string, readonly Membership[]>();
    const known = new Map<GpuUuid, Parameters<typeof membershipsOf>[0]>();
    for (const gpu of gpus) {
      const placements = asksHosts(this.#query) ? await store.placements({ gpu: gpu.uuid }, window, { signal }) : [];
      known.set(gpu.uuid, { gpu, holds: holds?.get(gpu.uuid) ?? [], placements });
    }
    const membershipsFor = (gpu: GpuUuid, instance: string | null): readonly Membership[] => {
      const name = `${gpu} ${instance}`;
      const of = known.get(gpu);
      const found = memberships.get(name) ?? (of === undefined ? [] : membershipsOf(of, instance, this.#query));
      memberships.set(name, found);
      return found;
    };
    let current: GpuUuid | undefined;
    let folds: GpuFolds = new Map();
    for await (const { gpu, columns } of store.columns(uuids, { metrics, window, resolution: "raw", signal })) {
      if (gpu !== current) {
        this.#finish(folds);
        folds = new Map();
        current = gpu;
      }
      for (const column of columns) {
        const instance = instanceOf(column.series);
        for (const membership of membershipsFor(gpu, instance)) this.#fold(folds, membership, column);
      }
    }
    this.#finish(folds);
  }

  #fold(folds: GpuFolds, { key, stretches, shareOf, isShared }: Membership, column: SeriesColumn): void {
    const { series } = column;
    const metric = metricOf(series);
    const group = this.#groupFor(key, metric);
    group.isShared ||= isShared;
    const ofGroup = folds.get(group) ?? new Map<string, Map<Series, SeriesFold>>();
    folds.set(group, ofGroup);
    const name = measuredBy(series, metric);
    const same = ofGroup.get(name) ?? new Map<Series, SeriesFold>();
    ofGroup.set(name, same);
    let fold = same.get(series);
    if (fold === undefined) {
      fold = new SeriesFold(this.#windows);
      same.set(series, fold);
    }
    fold.add(column, stretches, countsSteps(metric) ? shareOf : undefined);
  }

  #groupFor(key: Membership["key"], metric: string): Group {
    const name = JSON.stringify([metric, key]);
    let group = this.#groups.get(name);
    if (group === undefined) {
      const windows = this.#windows.starts.length;
      if ((this.#groups.size + 1) * windows > VALUES_MAX) {
        throw new AppError(
          `An answer may have at most ${VALUES_MAX.toLocaleString("en-US")} windows of all groups together: choose a ` +
            "longer step, fewer groups or metrics, or a narrower filter",
          { code: "too_large" },
        );
      }
      group = new Group(key, metric, { across: this.#query.across, windows });
      this.#groups.set(name, group);
    }
    return group;
  }

  #finish(folds: GpuFolds): void {
    const windows = this.#windows.starts.length;
    for (const [group, ofGroup] of folds) {
      group.addGpu(new Map([...ofGroup].map(([name, same]) => [name, [...same.values()]])), windows);
    }
  }

  answer(): SeriesAnswer {
    const order = ({ key, metric }: Group) => JSON.stringify([metric, ...Object.values(key).map((part) => part ?? "")]);
    const groups = [...this.#groups.values()]
      .filter(({ isEmpty }) => !isEmpty)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return { windows: this.#windows, groups };
  }
}

/** @throws AppError `invalid` for too many windows, `too_large` for too many groups, `unavailable` */
export async function readSeries(store: SeriesStore, query: SeriesQuery): Promise<SeriesAnswer> {
  const reader = new Reader(query);
  for await (const gpus of gpusFor(store, query)) await reader.readGpus(store, gpus);
  return reader.answer();
}
