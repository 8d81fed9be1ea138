/** Measures one save of a batch whose GPUs the SQLite store has never seen: its time must grow with their number. */

import { createBatchBuilder } from "../../schema/batch/builder.ts";
import { NOBODY } from "../../schema/model/holder.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository } from "../../services/repository/open.ts";
import { factsOf, START, UTIL } from "../conformance/repository/bench.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { openWorkspace } from "./workspace.ts";

const GPUS = [2000, 20_000, 100_000];

async function measureSave(gpus: number, path: string): Promise<number> {
  const builder = createBatchBuilder(2);
  for (let gpu = 0; gpu < gpus; gpu++) builder.add(builder.slot(factsOf(gpu), UTIL, NOBODY), START, gpu);
  const batch = builder.take({ producer: "csv@0/1", epoch: 1, seq: 1 });
  const parts = { clock: new ManualClock(START), log: silentLogger };
  await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
  const startedAt = performance.now();
  await repository.save([batch]);
  return performance.now() - startedAt;
}

export async function benchNewGpus(print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n\n`);
  const rows = [];
  for (const gpus of GPUS) {
    const ms = await measureSave(gpus, `${workspace.path}/${gpus}.db`);
    rows.push({ gpus, ms, microsecondsPerGpu: (ms * 1000) / gpus });
    print(`${gpus} new GPUs: ${Math.round(ms)} ms, ${Math.round((ms * 1000) / gpus)} µs each\n`);
  }
  return { machine, rows };
}
