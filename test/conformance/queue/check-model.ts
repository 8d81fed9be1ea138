/** Compares a queue with its model under random sequences of commands. */
import fc from "fast-check";
import type { OpenQueue } from "./bench.ts";
import { queueCommands } from "./commands.ts";
import { QueueModel } from "./model.ts";

const BOUNDS = { maxBytes: 80, maxDeliveries: 3 };

/**
 * Each run opens a queue with the given `maxBytes` and `maxDeliveries`. The seed is printed; `TEST_SEED` sets it.
 * `report` is the shortest sequence that fails, or empty.
 */
export async function checkQueueModel(
  open: OpenQueue,
  { runs, limitMs }: { runs: number; limitMs: number },
): Promise<{ failed: boolean; report: string }> {
  const seed = process.env.TEST_SEED === undefined ? Date.now() | 0 : Number(process.env.TEST_SEED);
  const outcome = await fc.check(
    fc.asyncProperty(queueCommands, async (commands) => {
      await using bench = await open(BOUNDS);
      await fc.asyncModelRun(() => ({ model: new QueueModel(BOUNDS), real: bench }), commands);
    }),
    { seed, numRuns: runs, interruptAfterTimeLimit: limitMs, markInterruptAsFailure: false },
  );
  console.log(`queue model: TEST_SEED=${seed}, ${outcome.numRuns} runs, ${outcome.failed ? "failed" : "passed"}`);
  if (!outcome.failed) return { failed: false, report: "" };
  const cause = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : "";
  return { failed: true, report: `${outcome.counterexample?.map(String).join("")}\n${cause}` };
}
