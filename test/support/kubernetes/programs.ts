/** Real helm and kubectl, built by Go into the cache at the first use, and their kubeconfig. */
import { join } from "node:path";
import { ROOT } from "../programs/process.ts";
import { withoutBackend } from "../servers/backend.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. With `inherit`, its environment is ours and `env`. */
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

/** Whether there is a Go new enough for the module; it must not download another release of itself. */
async function hasGo(): Promise<boolean> {
  const go = process.env.GO ?? "go";
  if (Bun.which(go) === null) return false;
  return (await finished([go, "-C", FOLDER, "list", "-m"], { GOTOOLCHAIN: "local" })).code === 0;
}

/** Returns the folder with `helm`, `helm3` and `kubectl`, or null, with an announcement, if Go is missing. */
export async function kubernetesPrograms(suite: string): Promise<string | null> {
  if (!(await hasGo())) return withoutBackend(suite, `a Go that builds ${FOLDER}`);
  const { code, stdout, stderr } = await finished([join(FOLDER, "build")]);
  if (code !== 0) throw new Error(`helm and kubectl cannot be built:\n${stderr.slice(-4000)}`);
  return stdout.trim();
}

/** Returns a kubeconfig with one cluster, as JSON, which is valid YAML. */
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
