/** The model's names, taken from everything that it lists. */
import type { Gpu, Hold, Placement } from "../../../schema/model/gpu.ts";
import type { NameKind } from "../../../schema/model/known-names.ts";

export function namesOf(
  kind: Exclude<NameKind, "metric">,
  listed: readonly { readonly gpu: Gpu; readonly holds: readonly Hold[] }[],
  placements: readonly Placement[],
): string[] {
  if (kind === "hostname") return [...listed.map(({ gpu }) => gpu.host), ...placements.map(({ host }) => host)];
  if (kind === "model") return listed.map(({ gpu }) => gpu.model);
  return listed.flatMap(({ holds }) =>
    holds.flatMap(({ holder }) => {
      if (holder.kind === "job") return kind === "job" ? [holder.job] : [];
      return kind === "job" ? [] : [holder[kind] ?? ""];
    }),
  );
}
