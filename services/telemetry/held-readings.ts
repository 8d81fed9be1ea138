/** Which holds a reading and a filter concern. */
import type { Hold } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";

/** One holder must meet every condition that is given. */
export interface HolderFilter {
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly job?: string | undefined;
}

export const asksHolder = ({ namespace, pod, job }: HolderFilter): boolean =>
  namespace !== undefined || pod !== undefined || job !== undefined;

export function meetsHolder({ holder }: Hold, { namespace, pod, job }: HolderFilter): boolean {
  if (holder.kind === "job")
    return (job === undefined || holder.job === job) && namespace === undefined && pod === undefined;
  if (job !== undefined) return false;
  return (namespace === undefined || holder.namespace === namespace) && (pod === undefined || holder.pod === pod);
}

const INSTANCE = /[{,]GPU_I_ID="([^"\\]*)"/;

/** Returns the MIG instance of a series; null: it is of the card. */
export const instanceOf = (series: Series): string | null => INSTANCE.exec(series)?.[1] ?? null;

/** Readings of an instance concern its holds and those of the card; readings of the card concern all. */
export const concerns = (hold: Hold, instance: string | null): boolean =>
  instance === null || hold.instance === null || hold.instance === instance;
