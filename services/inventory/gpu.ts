/** Defines the GraphQL type `Gpu`: facts, instances, times of the first and newest reading and holders. */
import DataLoader from "dataloader";
import { parseUuid, parseWindow } from "../../schema/model/arguments.ts";
import type { Gpu, GpuInstance, GpuUuid, Hold } from "../../schema/model/gpu.ts";
import type { Window } from "../../schema/model/window.ts";
import { answerField, Budget } from "../platform/graphql/fields.ts";
import {
  perRequest,
  type SubgraphBuilder,
  type SubgraphContext,
  type timeOfRequest,
} from "../platform/graphql/subgraph.ts";
import { UnderWay } from "../platform/graphql/under-way.ts";
import { systemClock } from "../platform/process/clock.ts";
import type { GpuRepository } from "../repository/port.ts";
import { addHolder, firstPodOf } from "./holder.ts";

/** The GPUs, hosts and attributions of all answers of a process. Each takes about 1 kB until it is sent. */
export const createRowsUnderWay = (): UnderWay =>
  new UnderWay({ noun: "rows", small: 30_000, allSmall: 60_000, allLarge: 100_000, clock: systemClock });

/** The rows that all root lists of an operation may have: the gateway refuses more. */
const MAX_ROWS = 100_000;

export type ReadRows = <T>(
  context: SubgraphContext,
  rows: { readonly most: number; readonly sizeOf: (answer: T) => number },
  ask: () => Promise<T>,
) => Promise<T>;

/** Returns a function that reads a list when the process has room for its rows. */
export const createRowReader =
  (underWay: UnderWay): ReadRows =>
  async ({ answer, signal }, { most, sizeOf }, ask) => {
    const read = await underWay.shareOf(answer)?.take(most, MAX_ROWS, { signal });
    let size = 0;
    try {
      const list = await ask();
      size = sizeOf(list);
      return list;
    } finally {
      read?.(size);
    }
  };

/** Loads all GPUs that a request names in one store call. */
export const createGpuLoader = (repository: GpuRepository, readRows: ReadRows) =>
  perRequest(
    (context) =>
      new DataLoader<GpuUuid, Gpu | null>(async (uuids) => {
        const rows = { most: uuids.length, sizeOf: (gpus: readonly Gpu[]) => gpus.length };
        const gpus = await readRows(context, rows, () => repository.gpusByUuid(uuids, { signal: context.signal }));
        const byUuid = new Map(gpus.map((gpu) => [gpu.uuid, gpu]));
        return uuids.map((uuid) => byUuid.get(uuid) ?? null);
      }),
  );

export type GpuLoader = ReturnType<typeof createGpuLoader>;

/** How many attributions one answer may contain. Bounds the memory that a query takes. */
const MAX_ATTRIBUTIONS_PER_REQUEST = 250_000;
/** An estimate: most GPUs are held by a few pods a day. */
const ATTRIBUTIONS_PER_GPU = 10;
const BEYOND =
  `A query may read at most ${MAX_ATTRIBUTIONS_PER_REQUEST.toLocaleString("en-US")} attributions: request fewer ` +
  "GPUs, or a shorter window";

/** Reads the attributions of all GPUs of a request in one store call per window. */
const createHoldReader = (repository: GpuRepository, underWay: UnderWay) =>
  answerField<GpuUuid, Window, readonly Hold[]>({
    ask: (gpus, window, options) => repository.holds(gpus, window, options),
    budgetOf: perRequest(
      (context) => new Budget(context, { items: MAX_ATTRIBUTIONS_PER_REQUEST, beyond: BEYOND, underWay }),
    ),
    mostPerKey: () => ATTRIBUTIONS_PER_GPU,
    sizeOf: ({ length }) => length,
  });

export interface GpuParts {
  readonly repository: GpuRepository;
  readonly loader: GpuLoader;
  readonly underWay: UnderWay;
  readonly timeOf: ReturnType<typeof timeOfRequest>;
}

export function addGpu(builder: SubgraphBuilder, { repository, loader, underWay, timeOf }: GpuParts) {
  const holdsOf = createHoldReader(repository, underWay);
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
      uuid: t.exposeID("uuid", { description: "Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>." }),
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
        resolve: async (gpu, args, context) => [
          ...(await holdsOf(gpu.uuid, parseWindow(args, timeOf(context).now), context)),
        ],
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
