/** Runs the pipeline under chaos. */
import { type Report, type RunOptions, runPipeline } from "../programs/pipeline-run.ts";
import { randomOf } from "../time/seeded.ts";
import { disturb } from "./chaos.ts";
import { chaosFaults } from "./chaos-faults.ts";

/** Pause between two faults, ms. */
const EVERY_MS = [150, 450] as const;

export interface ChaosReport extends Report {
  readonly seed: number;
  readonly faults: ReadonlyMap<string, number>;
}

export async function runChaos(
  options: Pick<RunOptions, "seed" | "readings" | "store" | "programs"> & { intervalMs?: number },
): Promise<ChaosReport> {
  const { seed } = options;
  let faults: ReadonlyMap<string, number> = new Map();
  const report = await runPipeline(
    {
      counts: { streamer: 2, queueService: 2, collector: 3 },
      // Many small batches: faults hit batches, and the server of the tests reads all documents for each question.
      batchSize: 100,
      intervalMs: 50,
      leaseMs: 1000,
      // Consumers die about once a second, and each death costs one attempt of every batch that it held.
      maxDeliveries: 50,
      ...options,
    },
    async ({ pipeline, redis, store, signal }) => {
      const all = chaosFaults({ pipeline, redis, store, leaseMs: 1000 });
      faults = await disturb(all, { random: randomOf(seed), everyMs: EVERY_MS, signal });
    },
  );
  return { ...report, seed, faults };
}

const count = (number: number): string => number.toLocaleString("en-US");

/** Describes the run in one line. */
export function describeChaos({ seed, seconds, faults, stored, answers, stats }: ChaosReport): string {
  const all = [...faults.values()].reduce((sum, times) => sum + times, 0);
  const kinds = [...faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, times]) => `${kind} ${times}`);
  const run = `${count(stored.readings)} readings, ${all} faults in ${seconds} s (${kinds.join(", ")})`;
  const verdict = `lost ${count(stored.lost)}, twice ${count(stored.twice + answers.twice)}, altered ${count(stored.altered)}`;
  return `chaos seed ${seed}: ${run}; ${verdict}, dead letters ${stats.dead}`;
}
