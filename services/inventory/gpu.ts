/** Defines the GraphQL type `Gpu`: facts, times of the first and newest reading, and attributions. */
import DataLoader from "dataloader";
import { parseUuid, parseWindow } from "../../schema/model/arguments.ts";
import type { Attribution, Gpu, GpuUuid } from "../../schema/model/gpu.ts";
import type { Window } from "../../schema/model/window.ts";
import { answerField, Budget } from "../platform/graphql/fields.ts";
import { perRequest, type SubgraphBuilder, type SubgraphContext } from "../platform/graphql/subgraph.ts";
import { UnderWay } from "../platform/graphql/under-way.ts";
import { systemClock } from "../platform/process/clock.ts";
import type { GpuRepository } from "../repository/port.ts";

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
const createAttributionReader = (repository: GpuRepository, underWay: UnderWay) =>
  answerField<GpuUuid, Window, readonly Attribution[]>({
    ask: (gpus, window, options) => repository.attributions(gpus, window, options),
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
}

export function addGpu(builder: SubgraphBuilder, { repository, loader, underWay }: GpuParts) {
  const attributionsOf = createAttributionReader(repository, underWay);
  const attributionType = builder.objectRef<Attribution>("Attribution").implement({
    description:
      "The container, pod and namespace that held a GPU, with the times of the first and last reading that says so.",
    fields: (t) => ({
      container: t.exposeString("container", { nullable: true }),
      pod: t.exposeString("pod", { nullable: true }),
      namespace: t.exposeString("namespace", { nullable: true }),
      from: t.expose("from", { type: "DateTime" }),
      to: t.expose("to", { type: "DateTime" }),
    }),
  });

  const gpuType = builder.objectRef<Gpu>("Gpu").implement({
    description: "A GPU or MIG instance, as last seen. Unknown facts are null.",
    fields: (t) => ({
      uuid: t.exposeID("uuid", { description: "Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>." }),
      deviceId: t.exposeString("device", { description: "Device name on its host, such as nvidia0." }),
      gpuIndex: t.exposeString("index", { description: "Index on its host, such as 0." }),
      modelName: t.exposeString("model"),
      hostname: t.exposeString("host"),
      container: t.exposeString("container", { nullable: true }),
      pod: t.exposeString("pod", { nullable: true }),
      namespace: t.exposeString("namespace", { nullable: true }),
      driverVersion: t.exposeString("driver", { nullable: true }),
      firstSeen: t.expose("firstSeen", { type: "DateTime", description: "Time of the first reading." }),
      lastSeen: t.expose("lastSeen", { type: "DateTime", description: "Time of the newest reading." }),
      attributions: t.field({
        type: [attributionType],
        description: "Holders of the GPU, oldest first. Both bounds of the window are inclusive.",
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
