/** What a process remembers of the holds of a GPU, so that most saves read none. */
import type { HoldRecord } from "../holds/derive.ts";
import type { LastNamed } from "../holds/follow.ts";
import type { RecentEvidence } from "../holds/recent.ts";
import type { GpuKey } from "./buckets.ts";

export interface HoldMemory {
  readonly recent: RecentEvidence;
  readonly named: LastNamed;
  /** Holds that have not ended, by `openHoldKey`. */
  open: Map<string, HoldRecord>;
  /** Whether the GPU has ever had a hold. Without one, readings that name no holder cannot change anything. */
  hasHolds: boolean;
  /** `gpus.stale_from` */
  staleFrom: number | null;
}

export interface HeldGpu extends GpuKey {
  readonly holds: HoldMemory;
}
