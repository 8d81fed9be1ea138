/** Real helm and kubectl, built by Go into the cache unless they are there, and where they look for a cluster. */
import { join } from "node:path";
import { ROOT } from "../programs/process.ts";
import { withoutBackend } from "../servers/backend.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with our environment beside `env` unless told not to. */
export async function finished(
  command: readonly string[],
  env: Record<string, string> = {},
  { inherit = true } = {},
): Promise<Finished> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: inherit ? { ...process.env, ...env } : env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

const FOLDER = join(ROOT, "test/support/helm");

/** A Go that the module accepts; it fetches no other release of itself. */
async function hasGo(): Promise<boolean> {
  const go = process.env.GO ?? "go";
  if (Bun.which(go) === null) return false;
  return (await finished([go, "-C", FOLDER, "list", "-m"], { GOTOOLCHAIN: "local" })).code === 0;
}

/** The folder with `helm`, `helm3` and `kubectl`; null, said aloud, where Go is not. */
export async function kubernetesPrograms(suite: string): Promise<string | null> {
  if (!(await hasGo())) return withoutBackend(suite, `a Go that builds ${FOLDER}`);
  const { code, stdout, stderr } = await finished([join(FOLDER, "build")]);
  if (code !== 0) throw new Error(`helm and kubectl cannot be built:\n${stderr.slice(-4000)}`);
  return stdout.trim();
}

/** A kubeconfig of one cluster; JSON is YAML, too. */
export function kubeconfig(server: string, context = "fake"): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [{ name: context, cluster: { server } }],
    users: [{ name: context, user: {} }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  });
}
