/** Defines the GraphQL types `Reading` and `GpuTelemetry`, and reads pages and newest readings from the store. */

import { parseCursor, parseLimit, parseWindow } from "../../schema/model/arguments.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { encodeCursor, READING_PAGE } from "../../schema/model/page.ts";
import type { Reading, Series } from "../../schema/model/reading.ts";
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import { answerField, Budget } from "../platform/graphql/fields.ts";
import { type RowShape, standIn } from "../platform/graphql/row-lists.ts";
import { perRequest, type SubgraphBuilder, type SubgraphContext, timeOfRequest } from "../platform/graphql/subgraph.ts";
import { UnderWay } from "../platform/graphql/under-way.ts";
import { type Clock, systemClock } from "../platform/process/clock.ts";
import { type ReadingCursor, type ReadingPage, sizeOfPage, type TelemetryRepository } from "../repository/port.ts";
import type { ResolveMetrics } from "./metric-resolver.ts";

/** How many readings all pages of one answer may contain. Bounds the memory that a query takes. */
export const MAX_READINGS_PER_REQUEST = 250_000;
/** How many newest readings one answer may contain: twice the number of series of the largest fleet. */
const MAX_NEWEST_PER_REQUEST = 600_000;
/** An estimate of the series of a GPU: DCGM exports 15 to 60 metrics. */
const SERIES_PER_GPU = 60;

/**
 * The readings of all answers of a process. A reading takes 40 to 100 bytes until it is sent, and a client that is
 * refused may ask again a second later.
 */
export const createReadingsUnderWay = (): UnderWay =>
  new UnderWay({ noun: "readings", small: 30_000, allSmall: 300_000, allLarge: 250_000, clock: systemClock });

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

const count = (items: number): string => items.toLocaleString("en-US");
export const BEYOND_PAGES =
  `A query may read at most ${count(MAX_READINGS_PER_REQUEST)} readings: request fewer GPUs, a shorter window or a ` +
  "smaller limit, and continue with `after`";
const BEYOND_NEWEST =
  `A query may read at most ${count(MAX_NEWEST_PER_REQUEST)} newest readings: request fewer GPUs, or name ` +
  "`metrics`";

/** A reading in an answer made of objects counts as three: it takes several objects and their text. */
const OBJECTS = 3;
export const weightOf = ({ answer }: SubgraphContext): number => (answer?.isCompact ? 1 : OBJECTS);

export interface ReaderParts {
  readonly underWay: UnderWay;
  readonly clock: Clock;
  readonly resolveMetrics: ResolveMetrics;
}

export interface PageReader {
  /** Reads a page of one GPU. */
  one(gpu: GpuUuid, args: TelemetryArguments, context: SubgraphContext): Promise<GpuTelemetry>;
  /** Reads a page of one GPU among many: all GPUs of a request with equal arguments share one store call. */
  amongMany(gpu: GpuUuid, args: TelemetryArguments, context: SubgraphContext): Promise<GpuTelemetry>;
}

export function createPageReader(
  repository: Pick<TelemetryRepository, "readings" | "pages">,
  { underWay, clock, resolveMetrics }: ReaderParts,
): PageReader {
  const options = { items: MAX_READINGS_PER_REQUEST, beyond: BEYOND_PAGES, underWay, weightOf };
  const budgetOf = perRequest((context) => new Budget(context, options));
  const timeOf = timeOfRequest(clock);
  const read = async (args: TelemetryArguments, context: SubgraphContext) => ({
    window: parseWindow(args, timeOf(context).now),
    limit: parseLimit(args.limit, READING_PAGE),
    after: parseCursor(args.after, readCursor),
    metrics: await resolveMetrics(args.metrics),
  });
  const answer = answerField<GpuUuid, Awaited<ReturnType<typeof read>>, ReadingPage>({
    ask: (gpus, { window, ...query }, options) => repository.pages(gpus, window, { ...query, ...options }),
    budgetOf,
    mostPerKey: ({ limit }) => limit,
    sizeOf: sizeOfPage,
  });
  return {
    async one(gpu, args, context) {
      const { window, ...query } = await read(args, context);
      const budget = budgetOf(context);
      return budget.spend(query.limit, async () => {
        const page = await repository.readings(gpu, window, { ...query, signal: context.signal });
        if (!budget.takes(sizeOfPage(page))) throw budget.tooLarge();
        return { gpu, ...page };
      });
    },
    amongMany: async (gpu, args, context) => ({ gpu, ...(await answer(gpu, await read(args, context), context)) }),
  };
}

/** Reads the newest readings of a GPU: all GPUs of a request with the same metrics share one store call. */
export function createLatestReader(
  repository: Pick<TelemetryRepository, "latest">,
  { underWay, resolveMetrics }: Omit<ReaderParts, "clock">,
) {
  const options = { items: MAX_NEWEST_PER_REQUEST, beyond: BEYOND_NEWEST, underWay, weightOf };
  const answer = answerField<GpuUuid, readonly string[] | null, readonly Reading[]>({
    ask: (gpus, metrics, { signal }) => repository.latest(gpus, { metrics: metrics ?? undefined, signal }),
    budgetOf: perRequest((context) => new Budget(context, options)),
    mostPerKey: () => SERIES_PER_GPU,
    sizeOf: ({ length }) => length,
  });
  return async (gpu: GpuUuid, names: readonly string[] | null | undefined, context: SubgraphContext) =>
    answer(gpu, (await resolveMetrics(names)) ?? null, context);
}

/** Returns a function that remembers the text of the last value, because neighbours often share it. */
function remembering<Value>(textOf: (value: Value) => string): (value: Value) => string {
  let last: Value | undefined;
  let text = "";
  return (value) => {
    if (value !== last) {
      text = textOf(value);
      last = value;
    }
    return text;
  };
}

/** How the fields of `Reading` are written. */
const SAMPLE: Reading = { gpu: "" as GpuUuid, series: "series" as Series, value: 0.5, at: 1 };
export const READING_ROWS: RowShape<Reading> = {
  sample: SAMPLE,
  columns: [
    {
      shows: SAMPLE.series,
      json: () => {
        const texts = new Map<Series, string>();
        return ({ series }) => {
          const known = texts.get(series);
          if (known !== undefined) return known;
          const text = JSON.stringify(series);
          texts.set(series, text);
          return text;
        };
      },
    },
    {
      shows: SAMPLE.value,
      json:
        () =>
        ({ value }) =>
          JSON.stringify(value),
    },
    {
      shows: formatTimestamp(SAMPLE.at),
      json: () => {
        const text = remembering((at: number) => `"${formatTimestamp(at)}"`);
        return ({ at }) => text(at);
      },
    },
  ],
};

export function addReading(builder: SubgraphBuilder) {
  const reading = builder.objectRef<Reading>("Reading").implement({
    description: "One value of one series of one GPU at one time.",
    fields: (t) => ({
      metricName: t.exposeString("series", {
        description:
          "The series: the metric and, in braces, the labels that distinguish series of the same metric on one GPU.",
      }),
      value: t.exposeFloat("value", { description: "In the unit of the metric: see `metrics`." }),
      timestamp: t.expose("at", { type: "DateTime", description: "Time at the source." }),
    }),
  });
  const telemetry = builder.objectRef<GpuTelemetry>("GpuTelemetry").implement({
    description: "Readings of one GPU, newest first; readings of the same time are ordered by series.",
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      telemetry: t.field({
        type: [reading],
        resolve: ({ readings }, _args, _context, info) => standIn(info, readings, READING_ROWS) as Reading[],
      }),
      count: t.int({ description: "Number of readings in this answer.", resolve: ({ readings }) => readings.length }),
      next: t.string({
        nullable: true,
        description: "Cursor of older readings: pass it as `after`. null when there are none.",
        resolve: ({ next }) => (next === null ? null : encodeCursor([next.at, next.series])),
      }),
    }),
  });
  return { reading, telemetry };
}
