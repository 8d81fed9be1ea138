/** A place that lists targets: a file, an HTTP address, a Kubernetes service. */
import type { Clock } from "../../platform/process/clock.ts";
import type { Target } from "./target.ts";

export interface TargetSource {
  /** For people: a path, a URL, or namespace/service. */
  readonly name: string;
  /** The last good list. */
  readonly targets: readonly Target[];
  /** Why the list is not that of now; undefined: it is, or nobody has looked yet. */
  readonly problem: string | undefined;
  /** Looks that gave no list. */
  readonly failures: number;
  /** Follows the list until the signal aborts. Calls `changed` after each change of the above. Never rejects. */
  follow(options: { clock: Clock; changed: () => void; signal: AbortSignal }): Promise<void>;
}
