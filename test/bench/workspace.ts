/** A folder for one run of a bench, removed at the end, also after Ctrl-C. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Workspace extends AsyncDisposable {
  /** Makes a new empty folder. */
  folder(name: string): Promise<string>;
  readonly path: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

export async function openWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), "gpu-telemetry-bench-"));
  const controller = new AbortController();
  const stop = () => controller.abort(new Error("interrupted"));
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    path,
    signal: controller.signal,
    folder: (name) => mkdtemp(join(path, `${name}-`)),
    [Symbol.asyncDispose]: async () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      await rm(path, { recursive: true, force: true });
    },
  };
}
