/** The programs that look at manifests, made or fetched into the cache unless they are there. */
import { join } from "node:path";
import { finished, kubernetesPrograms } from "../kubernetes/programs.ts";
import { ROOT } from "../programs/process.ts";

export interface Tools {
  /** With `helm`, `helm3` and `kubectl`. */
  readonly programs: string;
  /** What the API server would say. */
  readonly admission: string;
  /** With `trivy` and `node_modules`. */
  readonly scanners: string;
}

async function built(name: string): Promise<string> {
  const { code, stdout, stderr } = await finished([join(ROOT, "test/support", name, "build")]);
  if (code !== 0) throw new Error(`test/support/${name}/build failed:\n${stderr.slice(-4000)}`);
  return stdout.trim();
}

/** Null, said aloud, where Go is not. */
export async function openTools(suite: string): Promise<Tools | null> {
  const programs = await kubernetesPrograms(suite);
  if (programs === null) return null;
  const [admission, scanners] = await Promise.all([built("admission"), built("scanners")]);
  return { programs, admission, scanners };
}
