/** The programs that check manifests, built or downloaded into the cache at the first use. */
import { join } from "node:path";
import { finished, kubernetesPrograms } from "../kubernetes/programs.ts";
import { ROOT } from "../programs/process.ts";

export interface Tools {
  /** Folder with `helm`, `helm3` and `kubectl`. */
  readonly programs: string;
  /** Program that validates manifests by the API server's own code. */
  readonly admission: string;
  /** Folder with `trivy` and `node_modules`. */
  readonly scanners: string;
}

async function built(name: string): Promise<string> {
  const { code, stdout, stderr } = await finished([join(ROOT, "test/support", name, "build")]);
  if (code !== 0) throw new Error(`test/support/${name}/build failed:\n${stderr.slice(-4000)}`);
  return stdout.trim();
}

/** Announces the skipped suite and returns null if Go is missing. */
export async function openTools(suite: string): Promise<Tools | null> {
  const programs = await kubernetesPrograms(suite);
  if (programs === null) return null;
  const [admission, scanners] = await Promise.all([built("admission"), built("scanners")]);
  return { programs, admission, scanners };
}
