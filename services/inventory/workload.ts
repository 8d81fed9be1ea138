/** Defines query field `workloads`: which GPUs a pod or Slurm job held, and when, also after it has gone. */
import { parseCursor, parseLimit, parseWindow } from "../../schema/model/arguments.ts";
import type { Hold, Workload } from "../../schema/model/gpu.ts";
import { encodeCursor, WORKLOAD_PAGE } from "../../schema/model/page.ts";
import type { SubgraphBuilder, timeOfRequest } from "../platform/graphql/subgraph.ts";
import type { GpuRepository, WorkloadCursor, WorkloadPage } from "../repository/port.ts";
import type { GpuLoader, GpuType, ReadRows } from "./gpu.ts";
import { podOf } from "./holder.ts";
import type { NamesFilter, NotesOn } from "./notes.ts";

const isName = (part: unknown): part is string | null => part === null || typeof part === "string";

function readCursor(parts: readonly unknown[]): WorkloadCursor | undefined {
  const [namespace, pod, job] = parts;
  return parts.length === 3 && isName(namespace) && isName(pod) && isName(job) ? { namespace, pod, job } : undefined;
}

interface WorkloadParts {
  readonly repository: GpuRepository;
  readonly loader: GpuLoader;
  readonly gpu: GpuType;
  readonly readRows: ReadRows;
  readonly timeOf: ReturnType<typeof timeOfRequest>;
  readonly notesOn: NotesOn;
}

/** A page has at most 10,000 holds, unless one workload has more. */
const HOLDS = {
  most: 10_000,
  sizeOf: ({ workloads }: WorkloadPage) => workloads.reduce((sum, { holds }) => sum + holds.length, 0),
};

export function addWorkloads(
  builder: SubgraphBuilder,
  { repository, loader, gpu, readRows, timeOf, notesOn }: WorkloadParts,
): void {
  const hold = builder.objectRef<Hold>("Hold").implement({
    description:
      "A stretch of time in which a container of the pod, or the job, held a GPU or one of its MIG instances.",
    fields: (t) => ({
      gpuUuid: t.exposeID("gpu"),
      gpu: t.field({
        type: gpu,
        nullable: true,
        resolve: ({ gpu: uuid }, _args, context) => loader(context).load(uuid),
      }),
      instance: t.exposeString("instance", { nullable: true, description: "MIG instance; null for the whole card." }),
      container: t.string({ nullable: true, resolve: ({ holder }) => podOf(holder)?.container }),
      podUid: t.string({ nullable: true, resolve: ({ holder }) => podOf(holder)?.podUid }),
      from: t.expose("from", { type: "DateTime" }),
      to: t.expose("to", { type: "DateTime" }),
      isOpen: t.exposeBoolean("isOpen"),
    }),
  });
  const workload = builder.objectRef<Workload>("Workload").implement({
    description: "A pod with all its containers, or a Slurm job.",
    fields: (t) => ({
      namespace: t.exposeString("namespace", { nullable: true }),
      pod: t.exposeString("pod", { nullable: true }),
      job: t.exposeString("job", { nullable: true, description: "Id of a Slurm job." }),
      from: t.expose("from", { type: "DateTime", description: "First reading of its first hold in the window." }),
      to: t.expose("to", { type: "DateTime", description: "Last reading of its last hold in the window." }),
      isOpen: t.exposeBoolean("isOpen", { description: "Whether it holds a GPU by the newest readings." }),
      holds: t.field({ type: [hold], resolve: ({ holds }) => [...holds] }),
    }),
  });
  const page = builder.objectRef<WorkloadPage & { readonly asked: NamesFilter | null }>("WorkloadPage").implement({
    fields: (t) => ({
      notes: t.stringList({
        description:
          "If no workload matches: the names of the arguments that have never been seen, with the nearest ones.",
        resolve: ({ asked }, _args, { signal }) => (asked === null ? [] : notesOn(asked, signal)),
      }),
      workloads: t.field({ type: [workload], resolve: ({ workloads }) => [...workloads] }),
      next: t.string({
        nullable: true,
        description: "Cursor of the next page: pass it as `after`. null on the last page.",
        resolve: ({ next }) => next && encodeCursor([next.namespace, next.pod, next.job]),
      }),
    }),
  });
  builder.queryField("workloads", (t) =>
    t.field({
      type: page,
      nullable: true,
      description:
        "Pods and Slurm jobs that held a GPU in the window, with those holds. Both bounds of the window are inclusive.",
      args: {
        namespace: t.arg.string(),
        pod: t.arg.string(),
        job: t.arg.string(),
        startTime: t.arg({ type: "DateTime" }),
        endTime: t.arg({ type: "DateTime" }),
        limit: t.arg.int({ defaultValue: WORKLOAD_PAGE.default }),
        after: t.arg.string({ description: "Cursor: `next` of the previous page." }),
      },
      resolve: async (_root, { namespace, pod, job, limit, after, ...window }, context) => {
        const query = {
          namespace: namespace ?? undefined,
          pod: pod ?? undefined,
          job: job ?? undefined,
          window: parseWindow(window, timeOf(context).now),
          limit: parseLimit(limit, WORKLOAD_PAGE),
          after: parseCursor(after, readCursor),
          signal: context.signal,
        };
        const found = await readRows(context, HOLDS, () => repository.workloads(query));
        const isEmpty = found.workloads.length === 0 && query.after === undefined;
        return { ...found, asked: isEmpty ? { namespace: query.namespace, pod: query.pod, job: query.job } : null };
      },
    }),
  );
}
