/** Subgraph `telemetry`: readings of a GPU, the newest ones, and what arrives. */
import type { GraphQLSchema } from "graphql";
import { parseDuration, parseMetrics, parseUuid, refuse } from "../../schema/model/arguments.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { READING_PAGE } from "../../schema/model/page.ts";
import type { LiveFeed, LiveFrame, LiveReading } from "../live-feed/port.ts";
import { judgeRepresentations } from "../platform/graphql/entities.ts";
import { createSubgraphBuilder, type SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import type { GpuRepository, TelemetryRepository } from "../repository/port.ts";
import { watch } from "./live.ts";
import { addReading, createLatestReader, createPageReader } from "./reading.ts";

const MIN_INTERVAL_MS = 100;
const DEFAULT_INTERVAL = "1s";
/**
 * Of the interval asked for. Readings that come at the very pace of the frames would else lag behind by as much as one
 * of them was ever late, and never catch up.
 */
const PACE = 0.9;
const MAX_FILTER_VALUES = 10_000;

export interface TelemetryParts {
  readonly repository: Pick<TelemetryRepository, "readings" | "pages" | "latest"> &
    Pick<GpuRepository, "gpus" | "gpusByUuid">;
  readonly feed: LiveFeed;
}

function addLive(builder: SubgraphBuilder, { repository, feed }: TelemetryParts): void {
  const reading = builder.objectRef<LiveReading>("LiveReading").implement({
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      hostname: t.exposeString("host"),
      metricName: t.exposeString("series"),
      value: t.exposeFloat("value"),
      timestamp: t.expose("at", { type: "DateTime" }),
    }),
  });
  const batch = builder.objectRef<LiveFrame>("ReadingBatch").implement({
    fields: (t) => ({
      readings: t.field({ type: [reading], resolve: ({ readings }) => readings as LiveReading[] }),
      missed: t.exposeInt("missed", {
        description: "Values that matched and were replaced by newer ones, or dropped, before they could be told.",
      }),
    }),
  });
  const filter = builder.inputType("ReadingFilter", {
    description: "All given conditions hold together; within a list any one does.",
    fields: (t) => ({
      gpus: t.idList(),
      hosts: t.stringList(),
      namespaces: t.stringList(),
      metrics: t.stringList({ description: "Names or aliases; a metric means all its series." }),
      above: t.float({ description: "Only values greater than this; with `below`, those outside of the span." }),
      below: t.float({ description: "Only values less than this; with `above`, those outside of the span." }),
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
          "The newest reading of each series first, in one frame or several, then what is new. Lossy: a slow reader " +
          "gets the newest value per GPU and series, and is told how many it missed. Around the seam a reading may " +
          "come twice; the newest timestamp of a series is the one that counts.",
        args: {
          filter: t.arg({ type: filter }),
          minInterval: t.arg({
            type: "Duration",
            description: `Least time between two frames, give or take a tenth: 100ms at least, ${DEFAULT_INTERVAL} when not given.`,
          }),
        },
        subscribe: (_root, args, context) => {
          const asked = args.filter ?? {};
          return watch(repository, feed, {
            filter: {
              gpus: bounded("filter.gpus", asked.gpus)?.map(parseUuid),
              hosts: bounded("filter.hosts", asked.hosts),
              namespaces: bounded("filter.namespaces", asked.namespaces),
              metrics: parseMetrics(asked.metrics),
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
  const { repository } = parts;
  const { reading, telemetry } = addReading(builder);
  const pages = createPageReader(repository);
  const readLatest = createLatestReader(repository);
  const pageArguments = builder.args((t) => ({
    startTime: t.field({ type: "DateTime", description: "Inclusive." }),
    endTime: t.field({ type: "DateTime", description: "Inclusive." }),
    metrics: t.stringList({ description: "Names or aliases; a metric means all its series. Absent: all." }),
    limit: t.int({ defaultValue: READING_PAGE.default }),
    after: t.string({ description: "The `next` of the page before." }),
  }));

  const gpu = builder.objectRef<{ uuid: GpuUuid }>("Gpu").implement({
    fields: (t) => ({
      uuid: t.exposeID("uuid"),
      latest: t.field({
        type: [reading],
        nullable: true,
        description: "The newest reading of each series, in order of series.",
        args: { metrics: t.arg.stringList() },
        resolve: async ({ uuid }, { metrics }, context) => [...(await readLatest(uuid, metrics, context))],
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
      description: "null: no such GPU.",
      args: { uuid: t.arg.id({ required: true }), ...pageArguments },
      resolve: async (_root, { uuid: text, ...args }, context) => {
        const uuid = parseUuid(text);
        const page = await pages.one(uuid, args, context);
        // A GPU with readings is known; only an empty page needs the question.
        if (page.readings.length > 0) return page;
        const known = await repository.gpusByUuid([uuid], { signal: context.signal });
        return known.length > 0 ? page : null;
      },
    }),
  }));
  addLive(builder, parts);
  return judgeRepresentations(builder.toSubGraphSchema({}));
}
