/** Keeps the scrapes in step with the targets of a configuration. */
import type { Clock } from "../../platform/process/clock.ts";
import { aborted } from "../../platform/process/lifecycle.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Target } from "./target.ts";
import type { TargetList } from "./target-list.ts";
import type { TargetSource } from "./target-source.ts";

export interface FollowOptions {
  readonly list: TargetList;
  readonly sources: readonly TargetSource[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly add: (target: Target) => void;
  readonly remove: (target: Target) => Promise<void>;
  /** Called after each look, also if it has changed nothing. */
  readonly looked: () => void;
}

/** Runs until the signal aborts. */
export async function followTargets(
  { list, sources, clock, log, add, remove, looked }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  let woken = Promise.withResolvers<void>();
  const changed = () => woken.resolve();
  const followed = sources.map((source) => source.follow({ clock, changed, signal }));
  const ended = aborted(signal);
  while (!signal.aborted) {
    // A change from here on ends the wait below.
    woken = Promise.withResolvers();
    const { added, removed, problems } = list.refresh();
    for (const [source, problem] of problems) log.warn("targets are not read", { source, problem });
    for (const target of added) add(target);
    if (added.length + removed.length > 0) {
      log.info("targets changed", { added: added.length, removed: removed.length, targets: list.targets.length });
    }
    looked();
    await Promise.all(removed.map((target) => remove(target)));
    await Promise.race([woken.promise, ended]);
  }
  await Promise.all(followed);
}
