/** Defines query field `series`: aggregates over time and over groups of GPUs, holders or hosts. */
import { parseDuration, parseUuid, parseWindow, refuse } from "../../../schema/model/arguments.ts";
import { notesOnUnknown } from "../../../schema/model/known-names.ts";
import { Budget } from "../../platform/graphql/fields.ts";
import { perRequest, type SubgraphBuilder, timeOfRequest } from "../../platform/graphql/subgraph.ts";
import { UnderWay } from "../../platform/graphql/under-way.ts";
import { type Clock, systemClock } from "../../platform/process/clock.ts";
import type { NameRepository } from "../../repository/port.ts";
import { METRICS_FORM, type ResolveMetrics } from "../metric-resolver.ts";
import { ACROSS, type Across } from "./across.ts";
import { AGGREGATES, type Aggregate } from "./fold.ts";
import type { Group } from "./group.ts";
import { readSeries, type SeriesAnswer, type SeriesStore, VALUES_MAX } from "./read.ts";
import { GROUPINGS, type Grouping, type SeriesFilter } from "./stretches.ts";

const DAY_MS = 86_400_000;
const STEP = { minMs: 1000, maxMs: 3660 * DAY_MS };

const BEYOND =
  `A query may ask for at most ${VALUES_MAX.toLocaleString("en-US")} windows of groups: choose a longer step, fewer ` +
  "groups or metrics, or a narrower filter";

const MEANING: Readonly<Record<Aggregate, string>> = {
  avg: "Mean of the readings of the window.",
  min: "Smallest reading of the window.",
  max: "Largest reading of the window.",
  sum: "Sum of the readings of the window.",
  count: "Number of readings of the window. Series of a group always add up.",
  first: "First reading of the window.",
  last: "Last reading of the window.",
  increase:
    "Growth of a counter, also over resets, from reading to reading; a step belongs to the window of its later reading. " +
    "A step counts for the holders that hold the GPU at both readings, split evenly. Nothing is extrapolated.",
  rate: "`increase` per second between the readings that it counts.",
};

interface Answer extends SeriesAnswer {
  readonly filter: SeriesFilter;
  /** Whether the last window may still get readings. */
  readonly partial: boolean;
}

export interface SeriesParts {
  readonly repository: SeriesStore & NameRepository;
  readonly clock: Clock;
  readonly resolveMetrics: ResolveMetrics;
}

function addTypes(builder: SubgraphBuilder, { repository }: SeriesParts) {
  const group = builder.objectRef<Group>("SeriesGroup").implement({
    description: "One metric of one group. Lists have a value for each of `times`, null where there is none.",
    fields: (t) => {
      const part = (name: keyof Group["key"], description: string) =>
        t.string({ nullable: true, description, resolve: ({ key }) => key[name] });
      const values = (aggregate: Aggregate) =>
        t.floatList({
          nullable: { list: false, items: true },
          description: MEANING[aggregate],
          resolve: (of) => of.values(aggregate),
        });
      return {
        metricName: t.exposeString("metric"),
        gpuUuid: part("gpu", "If grouped by GPU or INSTANCE."),
        instance: part("instance", "MIG instance, if grouped by INSTANCE; null for the card."),
        hostname: part("host", "If grouped by HOST: the host that the GPU was in."),
        modelName: part("model", "If grouped by MODEL."),
        namespace: part("namespace", "If grouped by NAMESPACE or POD."),
        pod: part("pod", "If grouped by POD."),
        job: part("job", "Slurm job, if grouped by JOB."),
        shared: t.boolean({
          description:
            "Whether others held one of the GPUs at the same time. Values are then those of the whole device, so groups " +
            "of holders do not add up; increases do.",
          resolve: ({ isShared }) => isShared,
        }),
        ...(Object.fromEntries(AGGREGATES.map((aggregate) => [aggregate, values(aggregate)])) as Record<
          Aggregate,
          ReturnType<typeof values>
        >),
      };
    },
  });
  return builder.objectRef<Answer>("SeriesAnswer").implement({
    fields: (t) => ({
      times: t.field({
        type: ["DateTime"],
        description:
          "Begin of each window. The first one may begin before `startTime`; readings before it do not count.",
        resolve: ({ windows }) => [...windows.starts],
      }),
      stepSeconds: t.float({ resolve: ({ windows }) => windows.stepMs / 1000 }),
      groups: t.field({ type: [group], resolve: ({ groups }) => groups as Group[] }),
      partial: t.exposeBoolean("partial", { description: "Whether the last window is not over yet." }),
      resolution: t.string({ description: "What was read: `raw` readings.", resolve: () => "raw" }),
      notes: t.stringList({
        description: "If no reading matches: the names of the filter that have never been seen, with the nearest ones.",
        resolve: async ({ groups, filter: { uuid: _, instance: __, ...names } }, _args, { signal }) => {
          if (groups.length > 0) return [];
          const asked = Object.fromEntries(Object.entries(names).map(([kind, name]) => [kind, [name]]));
          return [...(await notesOnUnknown(asked, (kind, query) => repository.names(kind, query), signal))];
        },
      }),
    }),
  });
}

const given = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

export function addSeries(builder: SubgraphBuilder, parts: SeriesParts): void {
  const { repository, clock, resolveMetrics } = parts;
  const timeOf = timeOfRequest(clock);
  const underWay = new UnderWay({
    noun: "windows of groups",
    small: 10_000,
    allSmall: VALUES_MAX,
    allLarge: VALUES_MAX,
    clock: systemClock,
  });
  const budgetOf = perRequest((context) => new Budget(context, { items: VALUES_MAX, beyond: BEYOND, underWay }));
  const answer = addTypes(builder, parts);
  const grouping = builder.enumType("SeriesGrouping", { values: GROUPINGS });
  const across = builder.enumType("SeriesAcross", { values: ACROSS });
  const filter = builder.inputType("SeriesFilter", {
    description: "A reading counts when it meets every condition that is given.",
    fields: (t) => ({
      uuid: t.id(),
      hostname: t.string({ description: "The GPU was in this host at the time of the reading." }),
      model: t.string(),
      instance: t.string({ description: "MIG instance (GPU_I_ID)." }),
      namespace: t.string({ description: "A pod of this namespace held the GPU at the time of the reading." }),
      pod: t.string({ description: "This pod held the GPU at the time of the reading." }),
      job: t.string({ description: "This Slurm job held the GPU at the time of the reading." }),
    }),
  });

  builder.queryField("series", (t) =>
    t.field({
      type: answer,
      nullable: true,
      description:
        "Aggregates of readings over windows of time, and over the series of groups. Readings count for whoever held the " +
        "GPU at their time. Values that the exporter repeats for each replica or MIG instance of a card, such as its " +
        "power, count once. Both bounds are inclusive.",
      args: {
        metrics: t.arg.stringList({ required: true, description: METRICS_FORM }),
        filter: t.arg({ type: filter }),
        startTime: t.arg({ type: "DateTime", required: true, description: "Earliest time, inclusive." }),
        endTime: t.arg({ type: "DateTime", description: "Latest time, inclusive. Default: now." }),
        step: t.arg.string({
          description:
            "Length of a window, such as 30s, 5m or 1d, aligned to the epoch (UTC): `[t, t + step)`, named by its " +
            "begin. Default: one window, from `startTime` to `endTime`.",
        }),
        groupBy: t.arg({
          type: [grouping],
          description: "Series with equal values of these are one group. Default: GPU. Empty: all are one group.",
        }),
        across: t.arg({
          type: across,
          description:
            "How the series of a group are combined. Default: SUM for counters and for MiB, W, mJ and B/s; otherwise AVG, " +
            "of `min` MIN and of `max` MAX.",
        }),
      },
      resolve: async (_root, args, context) => {
        const { now } = timeOf(context);
        const window = parseWindow({ startTime: args.startTime, endTime: args.endTime ?? now / 1000 }, now);
        const { uuid, hostname, model, instance, namespace, pod, job } = args.filter ?? {};
        const asked: SeriesFilter = {
          uuid: uuid == null ? undefined : parseUuid(uuid),
          ...{ hostname: given(hostname), model: given(model), instance: given(instance) },
          ...{ namespace: given(namespace), pod: given(pod), job: given(job) },
        };
        const metrics = (await resolveMetrics(args.metrics)) ?? [];
        if (metrics.length === 0) refuse("metrics", [], "a list of at least one name");
        const stepMs = args.step == null ? null : parseDuration("step", args.step, STEP);
        const query = {
          metrics,
          window,
          stepMs,
          filter: asked,
          groupBy: (args.groupBy ?? ["GPU"]) as readonly Grouping[],
          across: given(args.across) as Across | undefined,
          signal: context.signal,
        };
        const budget = budgetOf(context);
        const read = await budget.spend(VALUES_MAX, async () => {
          const found = await readSeries(repository, query);
          if (!budget.takes(found.groups.length * found.windows.starts.length)) throw budget.tooLarge();
          return found;
        });
        const end = (read.windows.starts.at(-1) ?? 0) + read.windows.stepMs;
        return { ...read, filter: asked, partial: end > now };
      },
    }),
  );
}
