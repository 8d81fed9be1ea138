/** Our side: `ingest` as a process, from its start to its end. */
import { join } from "node:path";
import { ROOT } from "../support/programs/process.ts";
import { bytesUnder, type Figures } from "./figures.ts";
import type { Input } from "./input.ts";
import { watchPeak } from "./proc.ts";
import { countInSqlite } from "./stored.ts";
import type { Workspace } from "./workspace.ts";

/** @throws Error when ingest fails, or when the store does not have every reading */
export async function measureIngest(input: Pick<Input, "path" | "readings">, workspace: Workspace): Promise<Figures> {
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
  if (code !== 0) throw new Error(`ingest exited with status ${code}:\n${(await output).join("").slice(-4000)}`);
  const cpuS = Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN) / 1e6;
  const diskBytes = await bytesUnder(folder);
  const counted = await countInSqlite(store);
  if (counted !== input.readings) throw new Error(`ingest stored ${counted} readings of ${input.readings}`);
  return { wallS, readingsPerS: input.readings / wallS, cpuS, peakBytes, diskBytes };
}
