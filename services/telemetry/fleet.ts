/** Defines query field `fleetTelemetry`: the readings of many GPUs with all their labels, as REST exports them. */

import type { ExportRow } from "../../schema/dcgm/export-row.ts";
import { parseCursor, parseLimit, parseUuid, parseWindow } from "../../schema/model/arguments.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { notesOnUnknown } from "../../schema/model/known-names.ts";
import { encodeCursor, READING_PAGE } from "../../schema/model/page.ts";
import type { Series } from "../../schema/model/reading.ts";
import { Budget } from "../platform/graphql/fields.ts";
import { perRequest, type SubgraphBuilder, timeOfRequest } from "../platform/graphql/subgraph.ts";
import type { NameRepository } from "../repository/port.ts";
import { type FleetCursor, type FleetFilter, type FleetPage, type FleetStore, readFleetPage } from "./fleet-page.ts";
import { METRICS_FORM } from "./metric-resolver.ts";
import { BEYOND_PAGES, MAX_READINGS_PER_REQUEST, type ReaderParts, weightOf } from "./reading.ts";

function readCursor(parts: readonly unknown[]): FleetCursor | undefined {
  const [host, index, uuid, at, series] = parts;
  if (typeof host !== "string" || typeof index !== "string" || typeof uuid !== "string") return undefined;
  const gpu = { host, index, uuid: uuid as GpuUuid };
  if (parts.length === 3) return { gpu, reading: null };
  const isReading = parts.length === 5 && typeof at === "number" && typeof series === "string";
  return isReading ? { gpu, reading: { at, series: series as Series } } : undefined;
}

const textOf = ({ gpu: { host, index, uuid }, reading }: FleetCursor): string =>
  encodeCursor([host, index, uuid, ...(reading === null ? [] : [reading.at, reading.series])]);

interface FleetParts extends ReaderParts {
  readonly repository: FleetStore & NameRepository;
}

interface Answer extends FleetPage {
  readonly filter: FleetFilter;
}

/** Empty text is a missing fact. */
const known = (text: string): string | null => (text === "" ? null : text);

export function addFleetTelemetry(builder: SubgraphBuilder, parts: FleetParts): void {
  const { repository, underWay, clock, resolveMetrics } = parts;
  const timeOf = timeOfRequest(clock);
  const options = { items: MAX_READINGS_PER_REQUEST, beyond: BEYOND_PAGES, underWay, weightOf };
  const budgetOf = perRequest((context) => new Budget(context, options));

  const reading = builder.objectRef<ExportRow>("FleetReading").implement({
    description:
      "A reading with the labels that its source gave it. Several holders are in one text, separated by `;`, in the " +
      "same order in `namespace`, `pod` and `container`; a missing part is empty, and `;` and `\\` in a part have a `\\` " +
      "before them.",
    fields: (t) => ({
      timestamp: t.expose("at", { type: "DateTime" }),
      metricName: t.exposeString("metric", { description: "The metric. Labels of its series are in `labels`." }),
      gpuUuid: t.exposeID("uuid"),
      instance: t.string({ nullable: true, description: "MIG instance.", resolve: (row) => known(row.instance) }),
      hostname: t.string({
        nullable: true,
        description: "The host that the GPU was in.",
        resolve: ({ host }) => known(host),
      }),
      gpuIndex: t.string({ nullable: true, description: "Index on that host.", resolve: ({ index }) => known(index) }),
      modelName: t.string({ nullable: true, resolve: ({ model }) => known(model) }),
      namespace: t.string({ nullable: true, resolve: ({ namespace }) => known(namespace) }),
      pod: t.string({ nullable: true, resolve: ({ pod }) => known(pod) }),
      container: t.string({ nullable: true, resolve: ({ container }) => known(container) }),
      value: t.exposeFloat("value"),
      labels: t.string({
        nullable: true,
        description: "Further labels of the series and of its GPU and holders, in Prometheus notation.",
        resolve: ({ labels }) => known(labels),
      }),
    }),
  });

  const page = builder.objectRef<Answer>("FleetTelemetry").implement({
    fields: (t) => ({
      telemetry: t.field({ type: [reading], resolve: ({ rows }) => rows as ExportRow[] }),
      count: t.int({ description: "Number of readings in this answer.", resolve: ({ rows }) => rows.length }),
      next: t.string({
        nullable: true,
        description: "Cursor of the next page: pass it as `after`. null on the last page.",
        resolve: ({ next }) => (next === null ? null : textOf(next)),
      }),
      notes: t.stringList({
        description: "If no reading matches: the names of the filter that have never been seen, with the nearest ones.",
        resolve: async ({ rows, next, filter: { uuid: _, ...names } }, _args, { signal }) => {
          if (rows.length > 0 || next !== null) return [];
          const asked = Object.fromEntries(Object.entries(names).map(([kind, name]) => [kind, [name]]));
          return [...(await notesOnUnknown(asked, (kind, query) => repository.names(kind, query), signal))];
        },
      }),
    }),
  });

  const filter = builder.inputType("FleetFilter", {
    description: "A reading matches when it meets every condition that is given.",
    fields: (t) => ({
      uuid: t.id(),
      hostname: t.string({ description: "The GPU was in this host at the time of the reading." }),
      model: t.string(),
      namespace: t.string({ description: "A pod of this namespace held the GPU at the time of the reading." }),
      pod: t.string({ description: "This pod held the GPU at the time of the reading." }),
      job: t.string({ description: "This Slurm job held the GPU at the time of the reading." }),
    }),
  });

  builder.queryField("fleetTelemetry", (t) =>
    t.field({
      type: page,
      nullable: true,
      description:
        "Readings of many GPUs: GPU after GPU in the order of the inventory, each oldest first. A page may have fewer " +
        "readings than `limit`, even none, although `next` is not null. null when `filter.uuid` is unknown.",
      args: {
        filter: t.arg({ type: filter }),
        startTime: t.arg({ type: "DateTime", description: "Earliest time, inclusive." }),
        endTime: t.arg({ type: "DateTime", description: "Latest time, inclusive." }),
        metrics: t.arg.stringList({ description: `${METRICS_FORM} Default: all metrics.` }),
        limit: t.arg.int({ defaultValue: READING_PAGE.default }),
        after: t.arg.string({ description: "Cursor: `next` of the previous page." }),
      },
      resolve: async (_root, args, context) => {
        const { uuid: asked, hostname, model, namespace, pod, job } = args.filter ?? {};
        const uuid = asked == null ? undefined : parseUuid(asked);
        const names = { hostname, model, namespace, pod, job };
        const given = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, value ?? undefined]));
        const query = {
          filter: { uuid, ...given },
          window: parseWindow(args, timeOf(context).now),
          limit: parseLimit(args.limit, READING_PAGE),
          after: parseCursor(args.after, readCursor),
          metrics: await resolveMetrics(args.metrics),
          signal: context.signal,
        };
        const budget = budgetOf(context);
        const read = await budget.spend(query.limit, async () => {
          const found = await readFleetPage(repository, query);
          if (!budget.takes(found.rows.length)) throw budget.tooLarge();
          return found;
        });
        if (uuid !== undefined && read.rows.length === 0) {
          const [gpu] = await repository.gpusByUuid([uuid], { signal: context.signal });
          if (gpu === undefined) return null;
        }
        return { ...read, filter: query.filter };
      },
    }),
  );
}
