/** Defines subgraph `inventory`: GPUs, hosts and the metric catalogue. */
import type { GraphQLSchema } from "graphql";
import {
  parseCursor,
  parseDuration,
  parseLimit,
  parseUuid,
  parseWindow,
  refuse,
} from "../../schema/model/arguments.ts";
import type { GpuUuid, Host } from "../../schema/model/gpu.ts";
import { METRICS, type MetricInfo } from "../../schema/model/metric.ts";
import { encodeCursor, GPU_PAGE } from "../../schema/model/page.ts";
import { judgeRepresentations } from "../platform/graphql/entities.ts";
import { createSubgraphBuilder, type SubgraphBuilder, timeOfRequest } from "../platform/graphql/subgraph.ts";
import { type Clock, systemClock } from "../platform/process/clock.ts";
import type { GpuCursor, GpuFilter, GpuPage, GpuQuery, GpuRepository, NameRepository } from "../repository/port.ts";
import { addGpu, createGpuLoader, createRowReader, createRowsUnderWay } from "./gpu.ts";
import { createNotes } from "./notes.ts";
import { addHost, addPlacements } from "./placement.ts";
import { addWorkloads } from "./workload.ts";

function readCursor(parts: readonly unknown[]): GpuCursor | undefined {
  const [host, index, uuid] = parts;
  if (parts.length !== 3 || typeof host !== "string" || typeof index !== "string") return undefined;
  return typeof uuid === "string" ? { host, index, uuid: uuid as GpuUuid } : undefined;
}

function addMetric(builder: SubgraphBuilder) {
  return builder.objectRef<MetricInfo & { name: string }>("Metric").implement({
    description: "A metric of the catalogue. Readings of other metrics are stored, too.",
    fields: (t) => ({
      name: t.exposeString("name"),
      unit: t.exposeString("unit", { description: "%, ratio, MiB, C, W, mJ, MHz, B/s, ns, or 1 for a bare number" }),
      kind: t.exposeString("kind", { description: "gauge, counter, code or bitmask" }),
      description: t.exposeString("description"),
      aliases: t.stringList({
        description: "Other names that are accepted for this metric.",
        resolve: (metric) => [...metric.aliases],
      }),
    }),
  });
}

interface FilterArguments {
  readonly hostname?: string | null | undefined;
  readonly model?: string | null | undefined;
  readonly namespace?: string | null | undefined;
  readonly pod?: string | null | undefined;
  readonly job?: string | null | undefined;
  readonly startTime?: unknown;
  readonly endTime?: unknown;
  readonly seenWithin?: string | null | undefined;
}

const SEEN_WITHIN = { minMs: 1000, maxMs: 366 * 86_400_000 };

function readFilter({ startTime, endTime, seenWithin, ...names }: FilterArguments, now: number): GpuFilter {
  return {
    hostname: names.hostname ?? undefined,
    model: names.model ?? undefined,
    namespace: names.namespace ?? undefined,
    pod: names.pod ?? undefined,
    job: names.job ?? undefined,
    window: startTime == null && endTime == null ? undefined : parseWindow({ startTime, endTime }, now),
    seenSince: seenWithin == null ? undefined : now - parseDuration("seenWithin", seenWithin, SEEN_WITHIN),
  };
}

/** @param parts.clock for times relative to now; default: the system's */
export function createInventorySchema({
  repository,
  clock = systemClock,
}: {
  repository: GpuRepository & NameRepository;
  clock?: Clock;
}): GraphQLSchema {
  const builder = createSubgraphBuilder();
  const underWay = createRowsUnderWay();
  const readRows = createRowReader(underWay);
  const loader = createGpuLoader(repository, readRows);
  const timeOf = timeOfRequest(clock);
  const gpu = addGpu(builder, { repository, loader, underWay, timeOf });
  const host = addHost(builder);
  const metric = addMetric(builder);
  const notesOn = createNotes(repository);
  const catalogue = Object.entries(METRICS).map(([name, info]) => ({ name, ...info }));

  const page = builder.objectRef<GpuPage & Pick<GpuQuery, "filter">>("GpuPage").implement({
    fields: (t) => ({
      notes: t.stringList({
        description:
          "If no GPU matches: the names of the filter that have never been seen, with the nearest ones. Empty " +
          "otherwise, also if all names are known but no GPU meets all conditions.",
        resolve: ({ total, filter: { hostname, model, namespace, pod, job } = {} }, _args, { signal }) =>
          total > 0 ? [] : notesOn({ hostname, model, namespace, pod, job }, signal),
      }),
      gpus: t.field({ type: [gpu], resolve: ({ gpus }) => gpus as GpuPage["gpus"][number][] }),
      total: t.exposeInt("total", { description: "Number of GPUs that match, regardless of the limit." }),
      next: t.string({
        nullable: true,
        description: "Cursor of the next page: pass it as `after`. null on the last page.",
        resolve: ({ next }) => (next === null ? null : encodeCursor([next.host, next.index, next.uuid])),
      }),
    }),
  });

  const filter = builder.inputType("GpuFilter", {
    description: "A GPU matches when it meets every condition that is given.",
    fields: (t) => ({
      hostname: t.string(),
      model: t.string(),
      namespace: t.string({ description: "Only GPUs that a pod of this namespace holds." }),
      pod: t.string({ description: "Only GPUs that this pod holds." }),
      job: t.string({ description: "Only GPUs that this Slurm job holds." }),
      startTime: t.field({
        type: "DateTime",
        description: "With a window, `namespace`, `pod` and `job` match whoever held the GPU in it, not only now.",
      }),
      endTime: t.field({ type: "DateTime", description: "End of the window, inclusive." }),
      seenWithin: t.string({
        description: "Only GPUs with a reading in this time before now: a duration from 1s to 366d, such as 15m.",
      }),
    }),
  });

  // All fields are nullable: when this subgraph is unavailable, the gateway still answers the fields of the others.
  builder.queryFields((t) => ({
    gpus: t.field({
      type: page,
      nullable: true,
      description: "GPUs, ordered by host, then by index as a number.",
      args: {
        filter: t.arg({ type: filter }),
        limit: t.arg.int({ defaultValue: GPU_PAGE.default }),
        after: t.arg.string({ description: "Cursor: `next` of the previous page." }),
      },
      resolve: async (_root, args, context) => {
        const query = {
          filter: readFilter(args.filter ?? {}, timeOf(context).now),
          limit: parseLimit(args.limit, GPU_PAGE),
          after: parseCursor(args.after, readCursor),
          signal: context.signal,
        };
        const rows = { most: query.limit, sizeOf: ({ gpus }: GpuPage) => gpus.length };
        return { ...(await readRows(context, rows, () => repository.gpus(query))), filter: query.filter };
      },
    }),
    gpu: t.field({
      type: gpu,
      nullable: true,
      description: "One GPU; null when the GPU is unknown.",
      args: { uuid: t.arg.id({ required: true }) },
      resolve: (_root, { uuid }, context) => loader(context).load(parseUuid(uuid)),
    }),
    gpusByUuid: t.field({
      type: [gpu],
      nullable: { list: true, items: true },
      description: "GPUs in the order of `uuids`, null for each unknown one. At most 10,000.",
      args: { uuids: t.arg.idList({ required: true }) },
      resolve: (_root, { uuids }, context) => {
        if (uuids.length > GPU_PAGE.max)
          refuse("uuids", uuids.length, `a list of at most ${GPU_PAGE.max.toLocaleString("en-US")} uuids`);
        return Promise.all(uuids.map((uuid) => loader(context).load(parseUuid(uuid))));
      },
    }),
    hosts: t.field({
      type: [host],
      nullable: true,
      resolve: async (_root, _args, context) => {
        const rows = { most: GPU_PAGE.max, sizeOf: (hosts: readonly Host[]) => hosts.length };
        const hosts = await readRows(context, rows, () => repository.hosts({ signal: context.signal }));
        // GPUs whose host is unknown are stored under an empty name, which is no host.
        return hosts.filter(({ hostname }) => hostname !== "");
      },
    }),
    metrics: t.field({
      type: [metric],
      nullable: true,
      description: "The catalogue of metrics.",
      resolve: () => catalogue,
    }),
  }));

  addPlacements(builder, { repository, readRows, timeOf, notesOn });
  addWorkloads(builder, { repository, loader, gpu, readRows, timeOf, notesOn });
  return judgeRepresentations(builder.toSubGraphSchema({}));
}
