/** Defines the GraphQL type `Gpu`: facts, instances, times of the first and newest reading and holders. */
import DataLoader from "dataloader";
import { parseUuid, parseWindow } from "../../schema/model/arguments.ts";
import type { Gpu, GpuInstance, GpuUuid, Hold } from "../../schema/model/gpu.ts";
import type { Window } from "../../schema/model/window.ts";
import { answerField, Budget } from "../platform/graphql/fields.ts";
import { perRequest, type SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import type { GpuRepository } from "../repository/port.ts";
import { addHolder, firstPodOf } from "./holder.ts";

/** Loads all GPUs that a request names in one store call. */
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

/** How many attributions one answer may contain. Bounds the memory that a query takes. */
const MAX_ATTRIBUTIONS_PER_REQUEST = 250_000;
const BEYOND =
  `A query may read at most ${MAX_ATTRIBUTIONS_PER_REQUEST.toLocaleString("en-US")} attributions: request fewer ` +
  "GPUs, or a shorter window";

/** Reads the attributions of all GPUs of a request in one store call per window. */
const createHoldReader = (repository: GpuRepository) =>
  answerField<GpuUuid, Window, readonly Hold[]>({
    ask: (gpus, window, options) => repository.holds(gpus, window, options),
    budgetOf: perRequest(() => new Budget(MAX_ATTRIBUTIONS_PER_REQUEST, BEYOND)),
    sizeOf: ({ length }) => length,
  });

export function addGpu(
  builder: SubgraphBuilder,
  { repository, loader }: { repository: GpuRepository; loader: GpuLoader },
) {
  const holdsOf = createHoldReader(repository);
  const { holder, attribution } = addHolder(builder);
  const instance = builder.objectRef<GpuInstance>("GpuInstance").implement({
    description: "A MIG instance of a GPU, as last seen.",
    fields: (t) => ({
      id: t.exposeString("id", { description: "GPU instance id (GPU_I_ID)." }),
      profile: t.exposeString("profile", { nullable: true, description: "MIG profile, such as 1g.10gb." }),
      holders: t.field({ type: [holder], resolve: ({ holders }) => [...holders] }),
    }),
  });

  const gpuType = builder.objectRef<Gpu>("Gpu").implement({
    description:
      "A GPU, as last seen. Unknown facts are null. `container`, `pod` and `namespace` are those of the first holder: " +
      "a shared GPU has several.",
    fields: (t) => ({
      uuid: t.exposeID("uuid", { description: "UUID as NVML prints it: GPU-… or MIG-…" }),
      deviceId: t.exposeString("device", { description: "Device name on its host, such as nvidia0." }),
      gpuIndex: t.exposeString("index", { description: "Index on its host, such as 0." }),
      modelName: t.exposeString("model"),
      hostname: t.exposeString("host"),
      container: t.string({ nullable: true, resolve: ({ holders }) => firstPodOf(holders)?.container }),
      pod: t.string({ nullable: true, resolve: ({ holders }) => firstPodOf(holders)?.pod }),
      namespace: t.string({ nullable: true, resolve: ({ holders }) => firstPodOf(holders)?.namespace }),
      holders: t.field({
        type: [holder],
        description: "Who holds the GPU or one of its MIG instances now.",
        resolve: ({ holders }) => [...holders],
      }),
      instances: t.field({
        type: [instance],
        description: "MIG instances, by id.",
        resolve: ({ instances }) => [...instances],
      }),
      pciBusId: t.exposeString("pciBusId", { nullable: true }),
      driverVersion: t.exposeString("driver", { nullable: true }),
      firstSeen: t.expose("firstSeen", { type: "DateTime", description: "Time of the first reading." }),
      lastSeen: t.expose("lastSeen", { type: "DateTime", description: "Time of the newest reading." }),
      attributions: t.field({
        type: [attribution],
        description: "Holders of the GPU and its instances, oldest first. Both bounds of the window are inclusive.",
        args: { startTime: t.arg({ type: "DateTime" }), endTime: t.arg({ type: "DateTime" }) },
        resolve: async (gpu, args, context) => [...(await holdsOf(gpu.uuid, parseWindow(args), context))],
      }),
    }),
  });
  builder.asEntity(gpuType, {
    key: builder.selection<{ uuid: string }>("uuid"),
    resolveReference: ({ uuid }, context) => loader(context).load(parseUuid(uuid)),
  });
  return gpuType;
}

export type GpuType = ReturnType<typeof addGpu>;
