import type { Gpu } from "../../../schema/model/gpu.ts";
import type { NameKind } from "../../../schema/model/known-names.ts";
import type { Reading } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";

/** Returns the names of one kind that GPUs and readings have, each once. */
export function namesOf(
  kind: NameKind,
  { known, stored }: { readonly known: readonly Gpu[]; readonly stored: readonly Reading[] },
): string[] {
  const holders = known.flatMap((gpu) => gpu.holders);
  const pods = holders.flatMap((held) => (held.kind === "pod" ? [held] : []));
  const found: Readonly<Record<NameKind, readonly (string | null)[]>> = {
    metric: stored.map(({ series }) => metricOf(series)),
    hostname: known.map(({ host }) => host),
    model: known.map(({ model }) => model),
    namespace: pods.map(({ namespace }) => namespace),
    pod: pods.map(({ pod }) => pod),
    job: holders.flatMap((held) => (held.kind === "job" ? [held.job] : [])),
  };
  return [...new Set(found[kind])].flatMap((name) => (name ? [name] : []));
}
