/** A store and a live feed over plain lists, which count their calls. */
import type { Gpu, GpuUuid, Hold, Host, Placement } from "../../../schema/model/gpu.ts";
import type { NameKind, NameQuery } from "../../../schema/model/known-names.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Window } from "../../../schema/model/window.ts";
import type {
  LiveFeed,
  LiveFilter,
  LiveFrame,
  LiveReading,
  LiveSubscription,
} from "../../../services/live-feed/port.ts";
import { Mailbox } from "../../../services/platform/process/mailbox.ts";
import type { ColumnsQuery } from "../../../services/repository/columns.ts";
import type {
  GpuCursor,
  GpuFilter,
  GpuPage,
  GpuQuery,
  GpuRepository,
  NameRepository,
  ReadingPage,
  ReadingQuery,
  Repository,
  WorkloadPage,
  WorkloadQuery,
} from "../../../services/repository/port.ts";
import { columnsIn } from "./listed-columns.ts";
import { namesOf } from "./listed-names.ts";

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
const inOrder = (a: GpuCursor, b: GpuCursor): number =>
  compare(a.host, b.host) || compare(Number(a.index), Number(b.index)) || compare(a.uuid, b.uuid);
const newestFirst = (a: Pick<Reading, "at" | "series">, b: Pick<Reading, "at" | "series">): number =>
  b.at - a.at || compare(a.series, b.series);

const meetsHolderConditions = ({ holders }: Gpu, { namespace, pod, job }: GpuFilter): boolean =>
  (namespace === undefined && pod === undefined && job === undefined) ||
  holders.some((holder) =>
    holder.kind === "job"
      ? holder.job === job
      : job === undefined &&
        (namespace === undefined || holder.namespace === namespace) &&
        (pod === undefined || holder.pod === pod),
  );

/** Each holder has held its GPU from its first to its last reading. */
const holdsOf = ({ uuid, holders, firstSeen, lastSeen }: Gpu, window: Window): Hold[] =>
  firstSeen < window.to && lastSeen >= window.from
    ? holders.map((holder) => {
        return { gpu: uuid, instance: null, holder, from: firstSeen, to: lastSeen, isOpen: true };
      })
    : [];

export class ListedStore
  implements GpuRepository, NameRepository, Pick<Repository, "columns" | "readings" | "pages" | "latest">
{
  readonly known: Gpu[] = [];
  readonly stored: Reading[] = [];
  readonly calls: Record<
    "gpus" | "gpusByUuid" | "hosts" | "holds" | "workloads" | "placements" | "names" | "readings" | "pages" | "latest",
    number
  > = {
    gpus: 0,
    gpusByUuid: 0,
    hosts: 0,
    holds: 0,
    workloads: 0,
    placements: 0,
    names: 0,
    readings: 0,
    pages: 0,
    latest: 0,
  };
  /** Awaited by most calls. A test may make it fail or wait. */
  before: (signal?: AbortSignal) => Promise<void> = async () => {};
  /** Awaited by `readings` for every page but the first one. */
  beforeNext: (signal?: AbortSignal) => Promise<void> = async () => {};
  /** Awaited by `latest`. */
  beforeLatest: (signal?: AbortSignal) => Promise<void> = async () => {};

  async gpus({ filter = {}, limit, after, signal }: GpuQuery): Promise<GpuPage> {
    this.calls.gpus++;
    await this.before(signal);
    const matching = this.known
      .filter(
        (gpu) =>
          (filter.hostname === undefined || gpu.host === filter.hostname) &&
          (filter.seenSince === undefined || gpu.lastSeen >= filter.seenSince) &&
          meetsHolderConditions(gpu, filter) &&
          (filter.model === undefined || gpu.model === filter.model),
      )
      .sort(inOrder);
    const rest = after === undefined ? matching : matching.filter((gpu) => inOrder(gpu, after) > 0);
    const gpus = rest.slice(0, limit);
    const last = gpus.at(-1);
    const next = rest.length > limit && last !== undefined ? last : null;
    return { gpus, total: matching.length, next: next && { host: next.host, index: next.index, uuid: next.uuid } };
  }

  async gpusByUuid(uuids: readonly GpuUuid[], { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Gpu[]> {
    this.calls.gpusByUuid++;
    await this.before(signal);
    return this.known.filter((gpu) => uuids.includes(gpu.uuid));
  }

  async hosts(): Promise<Host[]> {
    this.calls.hosts++;
    const hosts = new Map<string, Host>();
    for (const { host, lastSeen } of this.known) {
      const { gpus = 0, lastSeen: newest = 0 } = hosts.get(host) ?? {};
      hosts.set(host, { hostname: host, gpus: gpus + 1, lost: 0, lastSeen: Math.max(newest, lastSeen) });
    }
    return [...hosts.values()].sort((a, b) => compare(a.hostname, b.hostname));
  }

  async holds(uuids: readonly GpuUuid[], window: Window): Promise<ReadonlyMap<GpuUuid, Hold[]>> {
    this.calls.holds++;
    const held = new Map<GpuUuid, Hold[]>(uuids.map((uuid) => [uuid, []]));
    for (const gpu of this.known) held.get(gpu.uuid)?.push(...holdsOf(gpu, window));
    return held;
  }

  async workloads({ limit, window, namespace, pod }: WorkloadQuery): Promise<WorkloadPage> {
    this.calls.workloads++;
    const workloads = this.known
      .flatMap((gpu) => holdsOf(gpu, window))
      .flatMap((hold) => {
        if (hold.holder.kind === "job") return [];
        const { from, to, isOpen, holder } = hold;
        return [{ namespace: holder.namespace, pod: holder.pod, job: null, from, to, isOpen, holds: [hold] }];
      })
      .filter((workload) => namespace === undefined || workload.namespace === namespace)
      .filter((workload) => pod === undefined || workload.pod === pod);
    return { workloads: workloads.slice(0, limit), next: null };
  }

  async placements(of: { gpu: GpuUuid } | { host: string }): Promise<Placement[]> {
    this.calls.placements++;
    return this.known
      .filter((gpu) => ("gpu" in of ? gpu.uuid === of.gpu : gpu.host === of.host))
      .map(({ uuid, host, index, firstSeen, lastSeen }) => {
        return { gpu: uuid, host, index, from: firstSeen, to: lastSeen, isCurrent: true };
      });
  }

  async names(kind: NameKind, { startsWith = "", limit, signal }: NameQuery): Promise<string[]> {
    this.calls.names++;
    await this.before(signal);
    const names = namesOf(kind, this).filter((name) => name.startsWith(startsWith));
    return names.sort().slice(0, limit);
  }

  async readings(gpu: GpuUuid, window: Window, query: ReadingQuery): Promise<ReadingPage> {
    this.calls.readings++;
    await this.before(query.signal);
    if (query.after !== undefined) await this.beforeNext(query.signal);
    return this.#pageOf(gpu, window, query);
  }

  async pages(gpus: readonly GpuUuid[], window: Window, { max, ...query }: ReadingQuery & { max: number }) {
    this.calls.pages++;
    await this.before(query.signal);
    let left = max;
    const pages = new Map<GpuUuid, ReadingPage>();
    for (const gpu of gpus) {
      const page = this.#pageOf(gpu, window, query);
      left -= page.readings.length;
      if (left < 0) break;
      pages.set(gpu, page);
    }
    return pages;
  }

  columns = (gpus: readonly GpuUuid[], query: ColumnsQuery) => columnsIn(this.stored, gpus, query);

  #pageOf(gpu: GpuUuid, window: Window, { after, metrics, limit }: ReadingQuery): ReadingPage {
    const matching = this.stored
      .filter(
        (reading) =>
          reading.gpu === gpu &&
          reading.at >= window.from &&
          reading.at < window.to &&
          (metrics === undefined || metrics.includes(metricOf(reading.series))),
      )
      .sort(newestFirst)
      .filter((reading) => after === undefined || newestFirst(reading, after) > 0);
    const readings = matching.slice(0, limit);
    const last = readings.at(-1);
    const more = matching.length > limit && last !== undefined;
    return { readings, next: more ? { at: last.at, series: last.series } : null };
  }

  async latest(
    gpus: readonly GpuUuid[],
    { metrics, signal }: { metrics?: readonly string[] | undefined; signal?: AbortSignal | undefined } = {},
  ) {
    this.calls.latest++;
    await this.beforeLatest(signal);
    const latest = new Map<GpuUuid, Map<Series, Reading>>(gpus.map((gpu) => [gpu, new Map()]));
    for (const reading of this.stored) {
      const ofGpu = latest.get(reading.gpu);
      if (ofGpu === undefined || (metrics !== undefined && !metrics.includes(metricOf(reading.series)))) continue;
      if ((ofGpu.get(reading.series)?.at ?? Number.NEGATIVE_INFINITY) <= reading.at) ofGpu.set(reading.series, reading);
    }
    return new Map(
      [...latest].map(([gpu, ofGpu]) => [gpu, [...ofGpu.values()].sort((a, b) => compare(a.series, b.series))]),
    );
  }
}

/** Sends every frame to every subscriber, unfiltered: filters are tested with the real feeds. */
export class ListedFeed implements LiveFeed {
  readonly subscribers = new Set<{ readonly filter: LiveFilter; readonly minIntervalMs: number }>();
  /** Frames that were sent and not yet taken, by all subscribers together. */
  waiting = 0;
  readonly #mailboxes = new Set<Mailbox<LiveFrame>>();

  async publish(): Promise<void> {}

  async ping(): Promise<void> {}

  tell(...readings: LiveReading[]): void {
    for (const mailbox of this.#mailboxes) {
      this.waiting++;
      mailbox.push({ readings, missed: 0 });
    }
  }

  async subscribe({ filter = {}, minIntervalMs, signal }: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>> {
    const subscriber = { filter, minIntervalMs };
    const mailbox = new Mailbox<LiveFrame>({
      capacity: Number.POSITIVE_INFINITY,
      signal,
      onTake: () => this.waiting--,
      onClose: () => {
        this.subscribers.delete(subscriber);
        this.#mailboxes.delete(mailbox);
      },
    });
    this.subscribers.add(subscriber);
    this.#mailboxes.add(mailbox);
    return mailbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
