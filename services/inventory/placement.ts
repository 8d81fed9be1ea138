/** Defines the GraphQL types `Placement` and `Host`: which GPU was in which slot of which host, and when. */
import { parseWindow } from "../../schema/model/arguments.ts";
import type { Host, Placement } from "../../schema/model/gpu.ts";
import type { SubgraphBuilder } from "../platform/graphql/subgraph.ts";
import type { GpuRepository } from "../repository/port.ts";

export const addPlacement = (builder: SubgraphBuilder) =>
  builder.objectRef<Placement>("Placement").implement({
    description: "A stretch of time in which a GPU was in a slot of a host, by the times of its readings there.",
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      hostname: t.exposeString("host"),
      gpuIndex: t.exposeString("index", { description: "Index on the host, such as 0." }),
      from: t.expose("from", { type: "DateTime" }),
      to: t.expose("to", { type: "DateTime" }),
      isCurrent: t.exposeBoolean("isCurrent", {
        description: "Whether the GPU is still there: neither moved nor replaced. A lost GPU is.",
      }),
    }),
  });

export type PlacementType = ReturnType<typeof addPlacement>;

export function addHost(builder: SubgraphBuilder, repository: GpuRepository, placement: PlacementType) {
  return builder.objectRef<Host>("Host").implement({
    fields: (t) => ({
      hostname: t.exposeString("hostname"),
      gpus: t.exposeInt("gpus", { description: "Number of GPUs that are in this host now, lost ones included." }),
      lost: t.exposeInt("lost", {
        description: "GPUs without a reading for 5 of their usual intervals while another GPU of the host reports.",
      }),
      lastSeen: t.expose("lastSeen", { type: "DateTime" }),
      placements: t.field({
        type: [placement],
        description: "Which GPUs were in the host's slots, oldest first. Both bounds of the window are inclusive.",
        args: { startTime: t.arg({ type: "DateTime" }), endTime: t.arg({ type: "DateTime" }) },
        resolve: async ({ hostname }, args, { signal }) => [
          ...(await repository.placements({ host: hostname }, parseWindow(args), { signal })),
        ],
      }),
    }),
  });
}
