/** The graph's GPU: facts, times, and who held it. */
import DataLoader from "dataloader";
import { parseUuid, parseWindow } from "../../schema/model/arguments.ts";
import type { Attribution, Gpu, GpuUuid } from "../../schema/model/gpu.ts";
import type { Window } from "../../schema/model/window.ts";
import { answerField, Budget } from "../platform/graphql/fields.ts";
import { perRequest, type SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import type { GpuRepository } from "../repository/port.ts";

/** One store call per request, however many GPUs it names. */
export const createGpuLoader = (repository: GpuRepository) =>
  perRequest(
    (context) =>
      new DataLoader<GpuUuid, Gpu | null>(async (uuids) => {
        const gpus = await repository.gpusByUuid(uuids, { signal: context.signal });
        const byUuid = new Map(gpus.map((gpu) => [gpu.uuid, gpu]));
        return uuids.map((uuid) => byUuid.get(uuid) ?? null);
      }),
  );

export type GpuLoader = ReturnType<typeof createGpuLoader>;

/** Intervals of one request together, so that no query outgrows memory. */
const MAX_ATTRIBUTIONS_PER_REQUEST = 250_000;
const BEYOND =
  `The query asks for more than ${MAX_ATTRIBUTIONS_PER_REQUEST.toLocaleString("en-US")} attributions: ask for fewer ` +
  "GPUs, or a shorter window";

/** One store call per request and window, however many GPUs are asked for. */
const createAttributionReader = (repository: GpuRepository) =>
  answerField<GpuUuid, Window, readonly Attribution[]>({
    ask: (gpus, window, options) => repository.attributions(gpus, window, options),
    budgetOf: perRequest(() => new Budget(MAX_ATTRIBUTIONS_PER_REQUEST, BEYOND)),
    sizeOf: ({ length }) => length,
  });

export function addGpu(builder: SubgraphBuilder, repository: GpuRepository, loader: GpuLoader) {
  const attributionsOf = createAttributionReader(repository);
  const attributionType = builder.objectRef<Attribution>("Attribution").implement({
    description: "Who held a GPU, from when to when: both are times of readings.",
    fields: (t) => ({
      container: t.exposeString("container", { nullable: true }),
      pod: t.exposeString("pod", { nullable: true }),
      namespace: t.exposeString("namespace", { nullable: true }),
      from: t.expose("from", { type: "DateTime" }),
      to: t.expose("to", { type: "DateTime" }),
    }),
  });

  const gpuType = builder.objectRef<Gpu>("Gpu").implement({
    description: "A GPU or MIG instance, as last seen. What is unknown is null.",
    fields: (t) => ({
      uuid: t.exposeID("uuid", { description: "As NVML prints it: GPU-… or MIG-…" }),
      deviceId: t.exposeString("device", { description: "Device name on its host: nvidia0 …" }),
      gpuIndex: t.exposeString("index", { description: "Index on its host: 0 …" }),
      modelName: t.exposeString("model"),
      hostname: t.exposeString("host"),
      container: t.exposeString("container", { nullable: true }),
      pod: t.exposeString("pod", { nullable: true }),
      namespace: t.exposeString("namespace", { nullable: true }),
      driverVersion: t.exposeString("driver", { nullable: true }),
      firstSeen: t.expose("firstSeen", { type: "DateTime", description: "Time of its first reading." }),
      lastSeen: t.expose("lastSeen", { type: "DateTime", description: "Time of its newest reading." }),
      attributions: t.field({
        type: [attributionType],
        description: "Who held it, oldest first. Both bounds are inclusive.",
        args: { startTime: t.arg({ type: "DateTime" }), endTime: t.arg({ type: "DateTime" }) },
        resolve: async (gpu, args, context) => [...(await attributionsOf(gpu.uuid, parseWindow(args), context))],
      }),
    }),
  });
  builder.asEntity(gpuType, {
    key: builder.selection<{ uuid: string }>("uuid"),
    resolveReference: ({ uuid }, context) => loader(context).load(parseUuid(uuid)),
  });
  return gpuType;
}
