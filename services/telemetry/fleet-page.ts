/** Reads the readings of the fleet page by page: GPU after GPU in the order of the inventory, each oldest first. */
import { createExportRows, type ExportRow } from "../../schema/dcgm/export-row.ts";
import type { Gpu, GpuUuid, Hold, Placement } from "../../schema/model/gpu.ts";
import { type HolderSet, holderSetOf } from "../../schema/model/holder.ts";
import type { Window } from "../../schema/model/window.ts";
import type {
  GpuCursor,
  GpuRepository,
  ReadingCursor,
  StoredReading,
  TelemetryRepository,
} from "../repository/port.ts";
import { asksHolder, concerns, type HolderFilter, instanceOf, meetsHolder } from "./held-readings.ts";

export type FleetStore = Pick<TelemetryRepository, "readings"> &
  Pick<GpuRepository, "gpus" | "gpusByUuid" | "holds" | "placements">;

/** A row must meet every condition that is given; those of holders by one holder at the time of the reading. */
export interface FleetFilter extends HolderFilter {
  readonly uuid?: GpuUuid | undefined;
  /** The GPU was in this host at the time of the reading. */
  readonly hostname?: string | undefined;
  readonly model?: string | undefined;
}

/** A place in the export: after the GPU `gpu`, or within its readings if there is `reading`. */
export interface FleetCursor {
  readonly gpu: GpuCursor;
  readonly reading: ReadingCursor | null;
}

export interface FleetQuery {
  readonly filter: FleetFilter;
  readonly window: Window;
  readonly metrics?: readonly string[] | undefined;
  /** 1 to 10,000. */
  readonly limit: number;
  readonly after?: FleetCursor | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FleetPage {
  /** Up to `limit`. There may be fewer, even none, although `next` is not null. */
  readonly rows: readonly ExportRow[];
  readonly next: FleetCursor | null;
}

/** GPUs that one page looks at. Bounds the work of a page when few readings match. */
const GPUS_PER_PAGE = 32;
/** Readings that one page looks at, as a multiple of its limit. */
const LOOKED_AT = 4;
/** Holds of a GPU in the window: as many as the store returns. */
const HOLDS_MAX = 10_000;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const placeOf = (index: string): number => (/^\d{1,15}$/.test(index) ? Number(index) : Number.MAX_SAFE_INTEGER);
const inOrder = (a: GpuCursor, b: GpuCursor): number =>
  compare(a.host, b.host) || placeOf(a.index) - placeOf(b.index) || compare(a.uuid, b.uuid);

const cursorOf = ({ host, index, uuid }: Gpu): GpuCursor => ({ host, index, uuid });

/** What the rows of one GPU need besides its readings. */
class GpuRows {
  readonly #gpu: Gpu;
  readonly #filter: FleetFilter;
  readonly #holds: readonly Hold[];
  readonly #wanted: readonly Hold[];
  readonly #placements: readonly Placement[];
  readonly #rowOf: ReturnType<typeof createExportRows>;

  constructor(gpu: Gpu, filter: FleetFilter, holds: readonly Hold[], placements: readonly Placement[]) {
    this.#gpu = gpu;
    this.#filter = filter;
    this.#holds = holds;
    this.#wanted = holds.filter((hold) => meetsHolder(hold, filter));
    this.#placements = placements;
    this.#rowOf = createExportRows(gpu);
  }

  /** Returns the row of a reading; undefined if it does not meet the filter. */
  of(reading: StoredReading): ExportRow | undefined {
    const { at, series } = reading;
    const instance = instanceOf(series);
    const covers = (hold: Hold): boolean => hold.from <= at && at <= hold.to && concerns(hold, instance);
    if (asksHolder(this.#filter) && !this.#wanted.some(covers)) return undefined;
    const placement = this.#placements.findLast(({ from, to }) => from <= at && at <= to);
    const { host, index } = placement ?? this.#gpu;
    if (this.#filter.hostname !== undefined && host !== this.#filter.hostname) return undefined;
    const ofInstance = (hold: Hold): boolean => hold.instance === instance && covers(hold);
    // Version 1 kept no holders with readings: the holds are what it knew.
    const holders: HolderSet =
      reading.holders ?? holderSetOf(this.#holds.filter(ofInstance).map(({ holder }) => holder));
    return this.#rowOf({ ...reading, holders, host, index });
  }
}

/** Returns the next GPUs that may have rows, and whether more follow. */
async function nextGpus(store: FleetStore, { filter, window, signal }: FleetQuery, after: GpuCursor | undefined) {
  const { uuid, hostname, model, ...held } = filter;
  if (uuid === undefined && hostname === undefined) {
    const query = { filter: { model, ...held, window }, limit: GPUS_PER_PAGE, after, signal };
    const { gpus, next } = await store.gpus(query);
    return { gpus, isLast: next === null };
  }
  const placed = hostname === undefined ? [] : await store.placements({ host: hostname }, window, { signal });
  const among = uuid === undefined ? placed.map(({ gpu }) => gpu) : [uuid];
  const gpus = (await store.gpusByUuid([...new Set(among)], { signal }))
    .filter((gpu) => model === undefined || gpu.model === model)
    .sort(inOrder)
    .filter((gpu) => after === undefined || inOrder(gpu, after) > 0);
  return { gpus: gpus.slice(0, GPUS_PER_PAGE), isLast: gpus.length <= GPUS_PER_PAGE };
}

/** Returns a page. Following `next` to the end returns each reading that was stored at the start once. */
export async function readFleetPage(store: FleetStore, query: FleetQuery): Promise<FleetPage> {
  const { filter, window, metrics, limit, after, signal } = query;
  const rows: ExportRow[] = [];
  let left = limit * LOOKED_AT;

  /** Adds the rows of a GPU. Returns where to continue in its readings; null: it has no more. */
  const addGpu = async (gpu: Gpu, from: ReadingCursor | undefined): Promise<ReadingCursor | null> => {
    let source: GpuRows | undefined;
    for (let cursor = from; ; ) {
      const take = Math.min(limit - rows.length, left);
      if (take <= 0 && cursor !== undefined) return cursor;
      const reads = { metrics, limit: take, order: "oldest" as const, after: cursor, withHolders: true, signal };
      const { readings, next } = await store.readings(gpu.uuid, window, reads);
      left -= readings.length;
      if (readings.length > 0) source ??= await openRows(gpu);
      for (const reading of readings) {
        const row = source?.of(reading);
        if (row !== undefined) rows.push(row);
      }
      if (next === null) return null;
      cursor = next;
    }
  };
  const openRows = async (gpu: Gpu): Promise<GpuRows> => {
    const holds = await store.holds([gpu.uuid], window, { max: HOLDS_MAX, signal });
    const placements = await store.placements({ gpu: gpu.uuid }, window, { signal });
    return new GpuRows(gpu, filter, holds.get(gpu.uuid) ?? [], placements);
  };

  let position = after?.gpu;
  if (after?.reading != null) {
    const [gpu] = await store.gpusByUuid([after.gpu.uuid], { signal });
    const reading = gpu === undefined ? null : await addGpu(gpu, after.reading);
    if (reading !== null) return { rows, next: { gpu: after.gpu, reading } };
  }
  const { gpus, isLast } = await nextGpus(store, query, position);
  for (const gpu of gpus) {
    if (position !== undefined && (rows.length === limit || left <= 0)) {
      return { rows, next: { gpu: position, reading: null } };
    }
    const reading = await addGpu(gpu, undefined);
    if (reading !== null) return { rows, next: { gpu: cursorOf(gpu), reading } };
    position = cursorOf(gpu);
  }
  return { rows, next: isLast || position === undefined ? null : { gpu: position, reading: null } };
}
