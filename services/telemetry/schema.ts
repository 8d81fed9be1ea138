/** Defines subgraph `telemetry`: pages of readings, newest readings per series, and a subscription to new readings. */
import type { GraphQLSchema } from "graphql";
import { parseDuration, parseUuid, refuse } from "../../schema/model/arguments.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { READING_PAGE } from "../../schema/model/page.ts";
import type { LiveFeed, LiveReading } from "../live-feed/port.ts";
import { judgeRepresentations } from "../platform/graphql/entities.ts";
import { standIn } from "../platform/graphql/row-lists.ts";
import { createSubgraphBuilder, type SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import { type Clock, systemClock } from "../platform/process/clock.ts";
import type { ColumnsRepository } from "../repository/columns.ts";
import type { GpuRepository, NameRepository, TelemetryRepository } from "../repository/port.ts";
import { addFleetTelemetry } from "./fleet.ts";
import { type Frame, watch } from "./live.ts";
import { createMetricResolver, METRICS_FORM, type ResolveMetrics } from "./metric-resolver.ts";
import { addReading, createLatestReader, createPageReader, createReadingsUnderWay, READING_ROWS } from "./reading.ts";
import { addSeries } from "./series/field.ts";

const MIN_INTERVAL_MS = 100;
const DEFAULT_INTERVAL = "1s";
/**
 * The interval of frames, as a share of the requested interval. At the full interval, if readings arrive as often as
 * frames are sent, one late reading would delay all later frames by as much, and they would never catch up.
 */
const PACE = 0.9;
const MAX_FILTER_VALUES = 10_000;

export interface TelemetryParts {
  readonly repository: Pick<TelemetryRepository, "readings" | "pages" | "latest"> &
    ColumnsRepository &
    Pick<GpuRepository, "gpus" | "gpusByUuid" | "holds" | "placements"> &
    NameRepository;
  readonly feed: LiveFeed;
  /** For times relative to now; default: the system's. */
  readonly clock?: Clock;
}

function addLive(builder: SubgraphBuilder, { repository, feed }: TelemetryParts, resolveMetrics: ResolveMetrics): void {
  const reading = builder.objectRef<LiveReading>("LiveReading").implement({
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      hostname: t.exposeString("host"),
      metricName: t.exposeString("series"),
      value: t.exposeFloat("value"),
      timestamp: t.expose("at", { type: "DateTime" }),
    }),
  });
  const batch = builder.objectRef<Frame>("ReadingBatch").implement({
    fields: (t) => ({
      notes: t.stringList({
        description:
          "In the first frame, if no GPU matches the filter: the hosts and namespaces of the filter that have never " +
          "been seen, with the nearest names.",
        resolve: ({ notes = [] }) => [...notes],
      }),
      readings: t.field({ type: [reading], resolve: ({ readings }) => readings as LiveReading[] }),
      missed: t.exposeInt("missed", {
        description:
          "Values since the previous frame that are in no frame: matching ones that newer ones replaced, and lost ones.",
      }),
    }),
  });
  const filter = builder.inputType("ReadingFilter", {
    description: "A reading matches when it meets every condition that is given. One match in a list is enough.",
    fields: (t) => ({
      gpus: t.idList(),
      hosts: t.stringList(),
      namespaces: t.stringList(),
      metrics: t.stringList({ description: METRICS_FORM }),
      above: t.float({
        description: "Matches values greater than this. With `below`, a value matches when it meets either condition.",
      }),
      below: t.float({
        description: "Matches values less than this. With `above`, a value matches when it meets either condition.",
      }),
    }),
  });
  const bounded = <T>(name: string, values: readonly T[] | null | undefined): readonly T[] | undefined => {
    if (values === null || values === undefined) return undefined;
    return values.length <= MAX_FILTER_VALUES
      ? values
      : refuse(name, values.length, `a list of at most ${MAX_FILTER_VALUES} values`);
  };
  builder.scalarType("Duration", {
    description: "A length of time such as 250ms, 1s or 5m.",
    serialize: (text) => text,
    parseValue: (value) => value,
  });
  builder.subscriptionType({
    fields: (t) => ({
      readings: t.field({
        type: batch,
        description:
          "First the newest reading of each series, in one or more frames, then new readings, without those that are " +
          "more than 10 minutes ahead of the clock. Lossy: a slow client gets the newest value per GPU and series, " +
          "and `missed` counts the others. Where new readings begin, a reading may come twice, and an older one may " +
          "follow a newer one: keep the newest timestamp of each series.",
        args: {
          filter: t.arg({ type: filter }),
          minInterval: t.arg({
            type: "Duration",
            description: `Least time between two frames, to within a tenth. At least 100ms; by default ${DEFAULT_INTERVAL}.`,
          }),
        },
        subscribe: async (_root, args, context) => {
          const asked = args.filter ?? {};
          return watch(repository, feed, {
            filter: {
              gpus: bounded("filter.gpus", asked.gpus)?.map(parseUuid),
              hosts: bounded("filter.hosts", asked.hosts),
              namespaces: bounded("filter.namespaces", asked.namespaces),
              metrics: await resolveMetrics(asked.metrics),
              above: asked.above ?? undefined,
              below: asked.below ?? undefined,
            },
            minIntervalMs:
              PACE * parseDuration("minInterval", args.minInterval ?? DEFAULT_INTERVAL, { minMs: MIN_INTERVAL_MS }),
            signal: context.signal,
            resumed: context.resumed,
            snapshotOnly: context.snapshot,
          });
        },
        resolve: (frame) => frame,
      }),
    }),
  });
}

export function createTelemetrySchema(parts: TelemetryParts): GraphQLSchema {
  const builder = createSubgraphBuilder();
  const { repository, clock = systemClock } = parts;
  const { reading, telemetry } = addReading(builder);
  const underWay = createReadingsUnderWay();
  const resolveMetrics = createMetricResolver(repository, clock);
  const pages = createPageReader(repository, { underWay, clock, resolveMetrics });
  const readLatest = createLatestReader(repository, { underWay, resolveMetrics });
  const pageArguments = builder.args((t) => ({
    startTime: t.field({ type: "DateTime", description: "Earliest time, inclusive." }),
    endTime: t.field({ type: "DateTime", description: "Latest time, inclusive." }),
    metrics: t.stringList({
      description: `${METRICS_FORM} Default: all metrics.`,
    }),
    limit: t.int({ defaultValue: READING_PAGE.default }),
    after: t.string({ description: "Cursor: `next` of the previous page." }),
  }));

  const gpu = builder.objectRef<{ uuid: GpuUuid }>("Gpu").implement({
    fields: (t) => ({
      uuid: t.exposeID("uuid"),
      latest: t.field({
        type: [reading],
        nullable: true,
        description:
          "The newest reading of each series, ordered by series. A reading that is more than 10 minutes ahead of the " +
          "clock does not count before its time.",
        args: { metrics: t.arg.stringList({ description: METRICS_FORM }) },
        resolve: async ({ uuid }, { metrics }, context, info) => [
          ...standIn(info, await readLatest(uuid, metrics, context), READING_ROWS),
        ],
      }),
      telemetry: t.field({
        type: telemetry,
        nullable: true,
        args: pageArguments,
        resolve: ({ uuid }, args, context) => pages.amongMany(uuid, args, context),
      }),
    }),
  });
  builder.asEntity(gpu, {
    key: builder.selection<{ uuid: string }>("uuid"),
    resolveReference: ({ uuid }) => ({ uuid: parseUuid(uuid) }),
  });

  builder.queryFields((t) => ({
    gpuTelemetry: t.field({
      type: telemetry,
      nullable: true,
      description: "Readings of one GPU; null when the GPU is unknown.",
      args: { uuid: t.arg.id({ required: true }), ...pageArguments },
      resolve: async (_root, { uuid: text, ...args }, context) => {
        const uuid = parseUuid(text);
        const page = await pages.one(uuid, args, context);
        // A GPU with readings is known. If the page is empty, the GPU may be unknown.
        if (page.readings.length > 0) return page;
        const known = await repository.gpusByUuid([uuid], { signal: context.signal });
        return known.length > 0 ? page : null;
      },
    }),
  }));
  addFleetTelemetry(builder, { repository, underWay, clock, resolveMetrics });
  addSeries(builder, { repository, clock, resolveMetrics });
  addLive(builder, parts, resolveMetrics);
  return judgeRepresentations(builder.toSubGraphSchema({}));
}
