/** What a process remembers of the holds of a GPU, so that most saves read none. */
import type { LastNamed } from "../holds/follow.ts";
import type { RecentEvidence } from "../holds/recent.ts";
import type { GpuKey } from "./buckets.ts";
import type { OpenHolds } from "./open-holds.ts";

export interface HoldMemory {
  readonly recent: RecentEvidence;
  readonly named: LastNamed;
  open: OpenHolds;
  /** Whether the GPU has ever had a hold. Without one, readings that name no holder cannot change anything. */
  hasHolds: boolean;
  /** `gpus.stale_from` */
  staleFrom: number | null;
}

export interface HeldGpu extends GpuKey {
  readonly holds: HoldMemory;
}
