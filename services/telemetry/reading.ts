/** The graph's readings: a page of one GPU, and the newest of many. */
import DataLoader from "dataloader";
import { AppError } from "../../schema/errors.ts";
import type { GpuUuid } from "../../schema/gpu.ts";
import { encodeCursor, READING_PAGE } from "../../schema/page.ts";
import type { Reading, Series } from "../../schema/reading.ts";
import { perRequest, type SubgraphBuilder, type SubgraphContext } from "../platform/graphql.ts";
import { parseCursor, parseLimit, parseMetrics, parseWindow } from "../platform/graphql-arguments.ts";
import type { ReadingCursor, TelemetryRepository } from "../repository/port.ts";

/** All pages of one request together, so that no query outgrows memory. */
const MAX_READINGS_PER_REQUEST = 250_000;
/** Every series of the largest fleet once, and as much again. */
const MAX_NEWEST_PER_REQUEST = 600_000;
const CONCURRENT_PAGES = 8;

export interface GpuTelemetry {
  readonly gpu: GpuUuid;
  readonly readings: readonly Reading[];
  readonly next: ReadingCursor | null;
}

export interface TelemetryArguments {
  readonly startTime?: unknown;
  readonly endTime?: unknown;
  readonly metrics?: readonly string[] | null | undefined;
  readonly limit?: number | null | undefined;
  readonly after?: string | null | undefined;
}

function readCursor(parts: readonly unknown[]): ReadingCursor | undefined {
  const [at, series] = parts;
  return parts.length === 2 && typeof at === "number" && typeof series === "string"
    ? { at, series: series as Series }
    : undefined;
}

/** Pages of one request: a few at a time, and not more readings than fit. */
class PageBudget {
  #left = MAX_READINGS_PER_REQUEST;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async spend<T extends { readonly readings: readonly unknown[] }>(read: () => Promise<T>): Promise<T> {
    if (this.#running >= CONCURRENT_PAGES) await new Promise<void>((go) => this.#waiting.push(go));
    this.#running++;
    try {
      const page = this.#left < 0 ? undefined : await read();
      this.#left -= page?.readings.length ?? 0;
      if (page !== undefined && this.#left >= 0) return page;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
    throw new AppError(
      `The query reads more than ${MAX_READINGS_PER_REQUEST.toLocaleString("en-US")} readings: ` +
        "ask for fewer GPUs, a shorter window or a smaller limit, and page on with `after`",
      { code: "too_large" },
    );
  }
}

export function createPageReader(repository: Pick<TelemetryRepository, "readings">) {
  const budgetOf = perRequest(() => new PageBudget());
  return (gpu: GpuUuid, args: TelemetryArguments, context: SubgraphContext): Promise<GpuTelemetry> => {
    const window = parseWindow(args);
    const query = {
      metrics: parseMetrics(args.metrics),
      limit: parseLimit(args.limit, READING_PAGE),
      after: parseCursor(args.after, readCursor),
      signal: context.signal,
    };
    return budgetOf(context).spend(async () => ({ gpu, ...(await repository.readings(gpu, window, query)) }));
  };
}

/** One store call per request and list of metrics, however many GPUs are asked for. */
export function createLatestReader(repository: Pick<TelemetryRepository, "latest">) {
  const loadersOf = perRequest(() => new Map<string, DataLoader<GpuUuid, readonly Reading[]>>());
  const leftOf = perRequest(() => ({ readings: MAX_NEWEST_PER_REQUEST }));
  const spend = (context: SubgraphContext, readings: number) => {
    const left = leftOf(context);
    left.readings -= readings;
    if (left.readings >= 0) return;
    throw new AppError(
      `The query asks for more than ${MAX_NEWEST_PER_REQUEST.toLocaleString("en-US")} newest readings: ` +
        "ask for fewer GPUs, or name `metrics`",
      { code: "too_large" },
    );
  };
  return (gpu: GpuUuid, names: readonly string[] | null | undefined, context: SubgraphContext) => {
    const metrics = parseMetrics(names);
    const key = metrics === undefined ? "" : JSON.stringify(metrics);
    const loaders = loadersOf(context);
    let loader = loaders.get(key);
    if (loader === undefined) {
      loader = new DataLoader(async (gpus) => {
        const latest = await repository.latest(gpus, { metrics, signal: context.signal });
        const ofGpus = gpus.map((uuid) => latest.get(uuid) ?? []);
        spend(
          context,
          ofGpus.reduce((sum, { length }) => sum + length, 0),
        );
        return ofGpus;
      });
      loaders.set(key, loader);
    }
    return loader.load(gpu);
  };
}

export function addReading(builder: SubgraphBuilder) {
  const reading = builder.objectRef<Reading>("Reading").implement({
    description: "One number of one series of one GPU at one time.",
    fields: (t) => ({
      metricName: t.exposeString("series", {
        description: "The series: the metric, and in braces the labels that tell readings of one GPU apart.",
      }),
      value: t.exposeFloat("value", { description: "In the unit of the catalogue." }),
      timestamp: t.expose("at", { type: "DateTime", description: "Time at the source." }),
    }),
  });
  const telemetry = builder.objectRef<GpuTelemetry>("GpuTelemetry").implement({
    description: "Readings of one GPU, newest first, those of one time in order of series.",
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      telemetry: t.field({ type: [reading], resolve: ({ readings }) => readings as Reading[] }),
      count: t.int({ description: "Readings in this answer.", resolve: ({ readings }) => readings.length }),
      next: t.string({
        nullable: true,
        description: "Pass as `after` for older readings; null when there are none.",
        resolve: ({ next }) => (next === null ? null : encodeCursor([next.at, next.series])),
      }),
    }),
  });
  return { reading, telemetry };
}
