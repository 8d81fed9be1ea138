/** Opens stores and builds batches for the conformance suite of the repository. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import { type Holder, type HolderSet, NOBODY } from "../../../schema/model/holder.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { ALL_TIME, type Window } from "../../../schema/model/window.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import type { RepositoryParts } from "../../../services/repository/open.ts";
import type { ReadingCursor, ReadingQuery, Repository } from "../../../services/repository/port.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

export interface RepositoryUnderTest extends AsyncDisposable {
  readonly repository: Repository;
  readonly clock: ManualClock;
  /** Returns a counter's value by its name without prefix. */
  counted(name: string): Promise<number>;
}

/** Opens an empty store. `retentionMs`: default 0. */
export type OpenRepository = (options?: { retentionMs?: number }) => Promise<RepositoryUnderTest>;

export async function openBench(
  open: (parts: RepositoryParts) => Promise<Repository>,
  remove: () => Promise<void> = async () => {},
): Promise<RepositoryUnderTest> {
  const clock = new ManualClock(START);
  const metrics = createMetrics();
  const repository = await open({ clock, log: silentLogger, metrics });
  return {
    repository,
    clock,
    counted: async (name) =>
      Number(new RegExp(`^gpu_telemetry_${name} (\\d+)$`, "m").exec(await metrics.render())?.[1] ?? Number.NaN),
    [Symbol.asyncDispose]: async () => {
      await repository[Symbol.asyncDispose]();
      await remove();
    },
  };
}

const RUNS_MAX = 10;

/**
 * Opens stores for the runs of a property, one for every `RUNS_MAX` runs: opening one takes time, and some servers scan
 * every document for each read. Runs that share a store need GPUs of their own.
 */
export class StoresOfRuns implements AsyncDisposable {
  readonly #open: OpenRepository;
  #bench: RepositoryUnderTest | undefined;
  #runs = 0;

  constructor(open: OpenRepository) {
    this.#open = open;
  }

  /** Returns the store of the next run, its clock, and the run's number. */
  async next(): Promise<Pick<RepositoryUnderTest, "repository" | "clock"> & { readonly run: number }> {
    const run = this.#runs++;
    if (run % RUNS_MAX === 0) {
      await this[Symbol.asyncDispose]();
      this.#bench = await this.#open();
    }
    const { repository, clock } = this.#bench as RepositoryUnderTest;
    return { repository, clock, run };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bench?.[Symbol.asyncDispose]();
    this.#bench = undefined;
  }
}

/** 20 July 2025, 10:00 UTC: a full hour. */
export const START = Date.UTC(2025, 6, 20, 10);
export const HOUR = 3_600_000;
export const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
export const TEMP = "DCGM_FI_DEV_GPU_TEMP" as Series;
export const ENGINE_3 = 'DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID="3"}' as Series;
export const ENGINE_7 = 'DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID="7"}' as Series;

export const uuidOf = (number: number): GpuUuid =>
  `GPU-00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as GpuUuid;
export const GPU = uuidOf(1);

/** Facts with the holders that the rows of a test name. */
export type RowFacts = GpuFacts & { readonly holders?: HolderSet };

/** Facts of GPU `number`, eight to a host; without a holder unless `facts` names some. */
export const factsOf = (number: number, facts: Partial<RowFacts> = {}): RowFacts => ({
  instance: null,
  pciBusId: null,
  profile: null,
  labels: null,
  uuid: uuidOf(number),
  index: String(number % 8),
  device: `nvidia${number % 8}`,
  model: "NVIDIA H100 80GB HBM3",
  host: `host-${Math.floor(number / 8)}`,
  driver: "535.129.03",
  ...facts,
});

export const podOf = (pod: string, namespace = "research"): Holder => {
  return { kind: "pod", namespace, pod, container: "main", podUid: null };
};

export const heldBy = (pod: string | null): Partial<RowFacts> => (pod === null ? {} : { holders: [podOf(pod)] });

/** Series, milliseconds after START, value, and facts; by default those of GPU 1 without a holder. */
export type Row = readonly [series: Series, at: number, value: number, facts?: RowFacts];

const GPU_1 = factsOf(1);

export function batchOf(
  rows: readonly Row[],
  { v = 2, ...header }: Partial<Pick<Batch, "v" | "producer" | "epoch" | "seq">> = {},
): Batch {
  const builder = createBatchBuilder(v);
  for (const [series, at, value, { holders = NOBODY, ...facts } = GPU_1] of rows) {
    builder.add(builder.slot(facts, series, holders), START + at, value);
  }
  return builder.take({ producer: "csv@0/1", epoch: 1, seq: 1, ...header });
}

/** `[series, ms after START, value]` of each reading, in the same order. */
export const rowsOf = (readings: readonly Reading[]): [Series, number, number][] =>
  readings.map(({ series, at, value }) => [series, at - START, value]);

/** Milliseconds after START. */
export const windowOf = (from: number, to: number): Window => ({ from: START + from, to: START + to });

export const read = async (
  repository: Repository,
  { gpu = GPU, window = ALL_TIME, ...query }: Partial<ReadingQuery> & { gpu?: GpuUuid; window?: Window } = {},
): Promise<[Series, number, number][]> =>
  rowsOf((await repository.readings(gpu, window, { limit: 10_000, ...query })).readings);

const PAGES_MAX = 500;

/** Reads all pages of GPU 1. `between` runs before each page but the first. */
export async function readPages(
  repository: Repository,
  { window = ALL_TIME, ...query }: ReadingQuery & { window?: Window },
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<[Series, number, number][][]> {
  const pages: [Series, number, number][][] = [];
  let after: ReadingCursor | undefined;
  for (;;) {
    const { readings, next } = await repository.readings(GPU, window, { ...query, after });
    pages.push(rowsOf(readings));
    if (next === null) return pages;
    if (pages.length > PAGES_MAX) throw new Error(`more than ${PAGES_MAX} pages`);
    after = next;
    await between(pages.length);
  }
}
