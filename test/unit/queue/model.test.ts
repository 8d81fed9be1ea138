import { describe, expect, test } from "bun:test";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { checkQueueModel } from "../../conformance/queue/check-model.ts";
import { QUEUE_MUTANTS } from "../../conformance/queue/mutants.ts";
import { overHttp } from "../../conformance/queue/over-http.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const open =
  (mutate = (queue: Queue) => queue) =>
  async ({ maxBytes = 1024, maxDeliveries = 5 } = {}) => {
    const clock = new ManualClock();
    const queue = mutate(openMemoryQueue({ clock, maxBytes, maxDeliveries }));
    return {
      queue,
      advance: (ms: number) => clock.advance(ms),
      [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
    };
  };

describe("queue model", () => {
  test("memory queue does what the model does, for any sequence of calls", async () => {
    const { failed, report } = await checkQueueModel(open(), { runs: 3000, limitMs: 6000 });
    expect(report).toBe("");
    expect(failed).toBe(false);
  }, 60_000);

  test("HTTP queue over memory does what the model does, for any sequence of calls", async () => {
    const { failed, report } = await checkQueueModel(overHttp(open()), { runs: 3000, limitMs: 3000 });
    expect(report).toBe("");
    expect(failed).toBe(false);
  }, 60_000);

  for (const [mistake, mutate] of Object.entries(QUEUE_MUTANTS)) {
    test(`queue model finds out when ${mistake}`, async () => {
      const { failed, report } = await checkQueueModel(open(mutate), { runs: 5000, limitMs: 6000 });
      expect(failed).toBe(true);
      expect(report).toMatch(/expect\(received\)/);
    }, 60_000);
  }
});
