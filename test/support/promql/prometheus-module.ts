/** Fetches Prometheus' Go module, which brings the test scripts of its query engine. */
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MODULE = "github.com/prometheus/prometheus";
/** Prometheus 3.16; a newer one may move evals between the lists of prometheus-scripts.test.ts. */
const VERSION = "v0.316.0";

/** The module's folder. @throws Error when Go is missing or the module cannot be downloaded */
function prometheusModule(): string {
  const args = ["mod", "download", "-json", `${MODULE}@${VERSION}`];
  const { error, status, stdout, stderr } = spawnSync("go", args, { cwd: tmpdir(), encoding: "utf8" });
  if (error !== undefined) throw new Error(`go must be on the PATH to fetch ${MODULE}`, { cause: error });
  const answer = stdout === "" ? {} : (JSON.parse(stdout) as { Dir?: string; Error?: string });
  if (status === 0 && answer.Dir !== undefined) return answer.Dir;
  throw new Error(`go ${args.join(" ")} failed, so its test scripts cannot run: ${answer.Error ?? stderr}`);
}

/** Where the module keeps the scripts. */
export const scriptsFolder = (): string => join(prometheusModule(), "promql", "promqltest", "testdata");
