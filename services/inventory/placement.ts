/** Defines query field `placements` and the type `Host`: which GPU was in which slot of which host, and when. */
import { parseUuid, parseWindow, refuse } from "../../schema/model/arguments.ts";
import type { Host, Placement } from "../../schema/model/gpu.ts";
import { graphqlError } from "../platform/graphql/errors.ts";
import type { SubgraphBuilder, timeOfRequest } from "../platform/graphql/subgraph.ts";
import type { GpuRepository } from "../repository/port.ts";
import type { ReadRows } from "./gpu.ts";
import type { NotesOn } from "./notes.ts";

/** How many placements one answer may have. */
const PLACEMENTS_MAX = 10_000;

interface PlacementParts {
  readonly repository: GpuRepository;
  readonly readRows: ReadRows;
  readonly timeOf: ReturnType<typeof timeOfRequest>;
  readonly notesOn: NotesOn;
}

export function addPlacements(
  builder: SubgraphBuilder,
  { repository, readRows, timeOf, notesOn }: PlacementParts,
): void {
  const placement = builder.objectRef<Placement>("Placement").implement({
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
  builder.queryField("placements", (t) =>
    t.field({
      type: [placement],
      nullable: true,
      description:
        "Which GPUs were in the slots of a host, or in which slots a GPU was, oldest first, at most 10,000. Both bounds " +
        "of the window are inclusive. A host that has never been seen is an error with the nearest names.",
      args: {
        hostname: t.arg.string(),
        uuid: t.arg.id(),
        startTime: t.arg({ type: "DateTime" }),
        endTime: t.arg({ type: "DateTime" }),
      },
      resolve: async (_root, { hostname, uuid, ...window }, context) => {
        const host = hostname ?? undefined;
        if ((host === undefined) === (uuid == null)) refuse("hostname or uuid", host ?? null, "given, but not both");
        const of = host === undefined ? { gpu: parseUuid(uuid) } : { host };
        const rows = { most: PLACEMENTS_MAX, sizeOf: ({ length }: readonly Placement[]) => length };
        const { signal } = context;
        const { now } = timeOf(context);
        const ask = () => repository.placements(of, parseWindow(window, now), { signal });
        const placements = await readRows(context, rows, ask);
        const notes = placements.length > 0 || host === undefined ? [] : await notesOn({ hostname: host }, signal);
        if (notes.length > 0) throw graphqlError("not_found", notes.join(". "));
        return [...placements];
      },
    }),
  );
}

export const addHost = (builder: SubgraphBuilder) =>
  builder.objectRef<Host>("Host").implement({
    fields: (t) => ({
      hostname: t.exposeString("hostname"),
      gpus: t.exposeInt("gpus", { description: "Number of GPUs that are in this host now, lost ones included." }),
      lost: t.exposeInt("lost", {
        description: "GPUs without a reading for 5 of their usual intervals while another GPU of the host reports.",
      }),
      lastSeen: t.expose("lastSeen", { type: "DateTime" }),
    }),
  });
