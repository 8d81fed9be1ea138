/** The conformance suite of the queue's port, which every implementation passes. */
import { describe } from "bun:test";
import type { OpenQueue } from "./queue/bench.ts";
import { boundsConformance } from "./queue/bounds.ts";
import { claimConformance } from "./queue/claim.ts";
import { deadLetterConformance } from "./queue/dead-letters.ts";
import { epochConformance } from "./queue/epochs.ts";
import { leaseConformance } from "./queue/lease.ts";
import { publishConformance } from "./queue/publish.ts";
import { restartConformance } from "./queue/restart.ts";

/** Defaults of `open`: `maxBytes` 1 MiB, `maxDeliveries` 5. With `survivesRestart`, `open` must offer `restart`. */
export function queueConformance(
  name: string,
  open: OpenQueue,
  { survivesRestart = false }: { survivesRestart?: boolean } = {},
): void {
  describe(`${name} queue`, () => {
    publishConformance(open);
    epochConformance(open);
    claimConformance(open);
    leaseConformance(open);
    deadLetterConformance(open);
    boundsConformance(open);
    if (survivesRestart) restartConformance(open);
  });
}
