/**
 * Elects one of several replicas that scrape the same targets, so that no reading is stored twice. The first replica
 * that sends is elected; another takes over once the elected one has sent nothing for the failover time.
 */
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Replica } from "./replica.ts";

/** Groups that are remembered; beyond it, the one that was silent longest is forgotten. */
const MAX_GROUPS = 1000;

interface Elected {
  readonly name: string;
  /** By the monotonic clock. */
  seenAt: number;
}

export interface ElectionOptions {
  readonly failoverMs: number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
  /** Called when a replica has taken over from another. */
  readonly onSwitch: () => void;
}

export class Election {
  readonly #options: ElectionOptions;
  /** Groups in the order of their last samples. */
  readonly #elected = new Map<string, Elected>();

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Tells whether samples that have just arrived from this replica count. */
  elects({ group, name }: Replica): boolean {
    const { clock, failoverMs, log, onSwitch } = this.#options;
    const now = clock.monotonic();
    const elected = this.#elected.get(group);
    const silentMs = elected === undefined ? 0 : now - elected.seenAt;
    if (elected !== undefined && elected.name !== name) {
      if (silentMs <= failoverMs) return false;
      onSwitch();
      log.warn("another replica is elected", { group, replica: name, previous: elected.name, silentMs });
    } else if (elected === undefined) log.info("replica is elected", { group, replica: name });
    this.#elected.delete(group);
    this.#elected.set(group, { name, seenAt: now });
    if (this.#elected.size > MAX_GROUPS) {
      for (const oldest of this.#elected.keys()) {
        this.#elected.delete(oldest);
        break;
      }
    }
    return true;
  }
}
