/** Rolls this release out over the previous one, step by step, while a fleet streams through the pipeline. */
import { PROGRAMS, type Role } from "../programs/distributed.ts";
import type { Member } from "../programs/member.ts";
import type { Run } from "../programs/pipeline-run.ts";
import { onRuntime } from "../programs/process.ts";
import { eventually } from "../time/eventually.ts";

/** Processes of one role that become this release, or take another `FORMAT`, together. */
export interface Step {
  readonly role: Role;
  /** Number of processes, from the first on; default: all. */
  readonly first?: number;
  /** Unset: the default, 1. */
  readonly format?: "1" | "2";
}

/** Version 2 is written once all processes can read it. */
export const READERS_FIRST: readonly Step[] = [
  { role: "queueService" },
  { role: "collector", first: 1 },
  { role: "collector" },
  { role: "streamer", format: "1" },
  { role: "collector", format: "2" },
  { role: "streamer", format: "2" },
];
export const WRITERS_FIRST: readonly Step[] = [
  { role: "streamer" },
  { role: "collector", first: 1 },
  { role: "queueService" },
  { role: "collector" },
  { role: "streamer", format: "2" },
  { role: "collector", format: "2" },
];

const membersOf = ({ pipeline }: Run, { role, first }: Step): readonly Member[] =>
  ({ streamer: pipeline.streamers, queueService: pipeline.queueServices, collector: pipeline.collectors })[role].slice(
    0,
    first,
  );

/** Resolves once the streamers have published this share of the readings. */
export async function published(share: number, { queue, fleet }: Run): Promise<void> {
  const readings = fleet.readings * share;
  await eventually(
    () =>
      queue.stats().then(
        ({ counters }) => counters.readings >= readings,
        () => false,
      ),
    { what: `${readings} published readings`, deadlineMs: 600_000 },
  );
}

export type Replace = (member: Member) => Promise<void>;

/** Makes processes this release. `replace` restarts one; by default it is killed. */
export async function take(step: Step, run: Run, replace: Replace = (member) => member.restart()): Promise<void> {
  const { role, format } = step;
  for (const member of membersOf(run, step)) {
    // A streamer at the end of its sources has ended by itself.
    if (member.ends.length > 0) continue;
    member.become({ command: onRuntime("bun", PROGRAMS[role]), env: format === undefined ? {} : { FORMAT: format } });
    await replace(member);
  }
}

/** Takes all steps, at equal distances in the stream. `before` gets the number of the next step. */
export async function rollOut(
  steps: readonly Step[],
  run: Run,
  { replace, before }: { readonly replace?: Replace | undefined; readonly before?: (step: number) => void } = {},
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    await published((index + 1) / (steps.length + 2), run);
    before?.(index);
    await take(step, run, replace);
  }
}
