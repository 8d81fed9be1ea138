/** Defines the GraphQL types `Holder` and `Attribution`: who held a GPU, and when. */
import type { Hold } from "../../schema/model/gpu.ts";
import type { Holder, HolderSet } from "../../schema/model/holder.ts";
import type { SubgraphBuilder } from "../platform/graphql/subgraph.ts";

type Pod = Extract<Holder, { kind: "pod" }>;

export const podOf = (holder: Holder): Pod | null => (holder.kind === "pod" ? holder : null);
const jobOf = (holder: Holder): string | null => (holder.kind === "job" ? holder.job : null);

/** Returns the first pod by namespace, pod and container: the API's older fields have room for one holder. */
export const firstPodOf = (holders: HolderSet): Pod | null => podOf(holders[0] ?? { kind: "job", job: "" });

export function addHolder(builder: SubgraphBuilder) {
  const holder = builder.objectRef<Holder>("Holder").implement({
    description: "A pod's container, or a Slurm job. The fields of the other kind are null.",
    fields: (t) => ({
      namespace: t.string({ nullable: true, resolve: (held) => podOf(held)?.namespace }),
      pod: t.string({ nullable: true, resolve: (held) => podOf(held)?.pod }),
      container: t.string({ nullable: true, resolve: (held) => podOf(held)?.container }),
      podUid: t.string({ nullable: true, resolve: (held) => podOf(held)?.podUid }),
      job: t.string({ nullable: true, description: "Id of a Slurm job.", resolve: jobOf }),
    }),
  });
  const attribution = builder.objectRef<Hold>("Attribution").implement({
    description:
      "A holder of a GPU or of one of its MIG instances, with the times of the first and last reading that says so. " +
      "Attributions of one GPU may overlap.",
    fields: (t) => ({
      instance: t.exposeString("instance", { nullable: true, description: "MIG instance; null for the whole card." }),
      container: t.string({ nullable: true, resolve: ({ holder: held }) => podOf(held)?.container }),
      pod: t.string({ nullable: true, resolve: ({ holder: held }) => podOf(held)?.pod }),
      namespace: t.string({ nullable: true, resolve: ({ holder: held }) => podOf(held)?.namespace }),
      podUid: t.string({ nullable: true, resolve: ({ holder: held }) => podOf(held)?.podUid }),
      job: t.string({
        nullable: true,
        description: "Id of a Slurm job.",
        resolve: ({ holder: held }) => jobOf(held),
      }),
      from: t.expose("from", { type: "DateTime" }),
      to: t.expose("to", { type: "DateTime" }),
      isOpen: t.exposeBoolean("isOpen", { description: "Whether the GPU's newest readings still say so." }),
    }),
  });
  return { holder, attribution };
}
