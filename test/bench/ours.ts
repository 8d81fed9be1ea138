/** Our side: `ingest` as a process of its own, from its start to its end. */
import { join } from "node:path";
import { ALL_TIME } from "../../schema/window.ts";
import { systemClock } from "../../services/platform/clock.ts";
import { silentLogger } from "../../services/platform/logger.ts";
import { openRepository } from "../../services/repository/open.ts";
import type { Repository } from "../../services/repository/port.ts";
import { ROOT } from "../support/process.ts";
import { bytesUnder, type Figures } from "./figures.ts";
import type { Input } from "./input.ts";
import { watchPeak } from "./proc.ts";
import type { Workspace } from "./workspace.ts";

const PAGE = 10_000;

/** @throws Error when ingest fails or the store does not hold what was sent */
export async function measureIngest(input: Input, workspace: Workspace): Promise<Figures> {
  const folder = await workspace.folder("store");
  const store = join(folder, "telemetry.sqlite");
  const startedAt = performance.now();
  const child = Bun.spawn([process.execPath, "services/all-in-one/ingest.ts", input.path], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", SQLITE_PATH: store },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    signal: workspace.signal,
  });
  const stopWatching = watchPeak(child.pid);
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const wallS = (performance.now() - startedAt) / 1000;
  const peakBytes = stopWatching();
  workspace.signal.throwIfAborted();
  if (code !== 0) throw new Error(`ingest ended with ${code}:\n${(await output).join("").slice(-4000)}`);
  const cpuS = Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN) / 1e6;
  const diskBytes = await bytesUnder(folder);
  await checkStored(store, input.readings);
  return { wallS, readingsPerS: input.readings / wallS, cpuS, peakBytes, diskBytes };
}

async function checkStored(path: string, expected: number): Promise<void> {
  const parts = { clock: systemClock, log: silentLogger };
  await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
  const stored = await countReadings(repository);
  if (stored !== expected) throw new Error(`ingest stored ${stored} readings of ${expected}`);
}

/** By reading them: what cannot be asked for does not count. */
async function countReadings(repository: Repository): Promise<number> {
  let count = 0;
  const { gpus } = await repository.gpus({ limit: PAGE });
  for (const { uuid } of gpus) {
    let page = await repository.readings(uuid, ALL_TIME, { limit: PAGE });
    for (;;) {
      count += page.readings.length;
      if (page.next === null) break;
      page = await repository.readings(uuid, ALL_TIME, { limit: PAGE, after: page.next });
    }
  }
  return count;
}
