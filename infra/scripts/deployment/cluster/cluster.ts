/** Creates, wakes and deletes the kind cluster, and writes its context, the only one that the scripts write. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CLUSTER, KIND_CONTEXT, kubectl, LOCAL, NAMESPACE, ROOT } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import type { State } from "../run/state.ts";
import { Trouble } from "../run/trouble.ts";
import { type Contexts, readContexts } from "./contexts.ts";

const CONFIG = join(ROOT, "infra/kind/cluster.yaml");
const CONFIG_COPY = "kind-cluster.yaml";
/** Includes the download of the node image, about 1 GB. */
const CREATE_MS = 15 * 60_000;
const COMMAND_MS = 60_000;
const ANSWER_MS = 90_000;
/** Name of the state file with the context that was current before ours. */
const EARLIER_CONTEXT = "earlier-context";

export async function clusterExists(shell: Shell): Promise<boolean> {
  const outcome = await shell.ask(["kind", "get", "clusters"]);
  if (outcome === null) return false;
  if (outcome.code !== 0) throw new Trouble(`kind cannot list its clusters: ${outcome.stderr.trim()}`);
  return outcome.stdout.split("\n").includes(CLUSTER);
}

export async function clusterNodes(shell: Shell): Promise<string[]> {
  const outcome = await shell.ask(["kind", "get", "nodes", "--name", CLUSTER]);
  return outcome === null ? [`${CLUSTER}-control-plane`] : outcome.stdout.split("\n").filter((line) => line !== "");
}

const answers = async (shell: Shell): Promise<boolean> => {
  const outcome = await shell.ask(kubectl(LOCAL, "get", "--raw", "/readyz", "--request-timeout=5s"));
  return outcome === null || outcome.code === 0;
};

/** Starts nodes that stayed stopped after a restart of Docker; returns whether there were any. */
async function wake(shell: Shell): Promise<boolean> {
  const filters = ["--filter", `label=io.x-k8s.kind.cluster=${CLUSTER}`, "--filter", "status=exited"];
  const outcome = await shell.ask(["docker", "ps", "--all", "--quiet", ...filters]);
  const stopped = outcome?.stdout.split("\n").filter((id) => id !== "") ?? [];
  if (stopped.length > 0) await shell.run(["docker", "start", ...stopped], { timeoutMs: COMMAND_MS });
  const deadline = performance.now() + ANSWER_MS;
  while (!(await answers(shell))) {
    if (performance.now() > deadline) {
      throw new Trouble(`Cluster ${CLUSTER} exists but does not answer within ${ANSWER_MS / 1000} s`, {
        next: ["just down", "just up"],
      });
    }
    await sleep(1000);
  }
  return stopped.length > 0;
}

async function serverOfKind(shell: Shell): Promise<string | null> {
  const outcome = await shell.ask(["kind", "get", "kubeconfig", "--name", CLUSTER]);
  return /^\s*server:\s*(\S+)/m.exec(outcome?.stdout ?? "")?.[1] ?? null;
}

/** Makes our context current, with our namespace, so that `kubectl get pods` needs no options. */
async function ensureContext(shell: Shell, note: (line: string) => void, before: Contexts): Promise<void> {
  let contexts = await readContexts(shell);
  if (!shell.dryRun && contexts.server(KIND_CONTEXT) !== (await serverOfKind(shell))) {
    await shell.run(["kind", "export", "kubeconfig", "--name", CLUSTER], { timeoutMs: COMMAND_MS });
    contexts = await readContexts(shell);
  }
  if (contexts.namespace(KIND_CONTEXT) !== NAMESPACE) {
    const command = ["kubectl", "config", "set-context", KIND_CONTEXT, `--namespace=${NAMESPACE}`] as const;
    await shell.run(command, { timeoutMs: COMMAND_MS });
  }
  if (!shell.dryRun && contexts.current !== KIND_CONTEXT) {
    await shell.run(["kubectl", "config", "use-context", KIND_CONTEXT], { timeoutMs: COMMAND_MS });
  }
  if (before.current !== null && before.current !== KIND_CONTEXT) {
    note(`kubectl's current context was ${before.current}. \`just down\` restores it, as does`);
    note(`kubectl config use-context ${before.current}`);
  }
}

/** Writes infra/kind/cluster.yaml with another port of localhost for kind to read; returns the path of the copy. */
async function writeConfig(state: State, port: number): Promise<string> {
  const config = await readFile(CONFIG, "utf8");
  await state.write(CONFIG_COPY, config.replace(/hostPort: \d+/, `hostPort: ${port}`));
  return join(state.folder, CONFIG_COPY);
}

/**
 * Creates the cluster, or wakes the existing one; returns what it did.
 *
 * @param port of localhost, on which a new cluster serves the API
 */
export async function ensureCluster(
  shell: Shell,
  state: State,
  port: number,
  note: (line: string) => void,
): Promise<string> {
  const before = await readContexts(shell);
  if (before.current !== null && before.current !== KIND_CONTEXT) await state.write(EARLIER_CONTEXT, before.current);
  if (await clusterExists(shell)) {
    if (before.server(KIND_CONTEXT) !== (await serverOfKind(shell))) {
      await shell.run(["kind", "export", "kubeconfig", "--name", CLUSTER], { timeoutMs: COMMAND_MS });
    }
    const woken = await wake(shell);
    await ensureContext(shell, note, before);
    return woken ? "started again" : "exists";
  }
  const config = shell.dryRun ? "infra/kind/cluster.yaml" : await writeConfig(state, port);
  if (shell.dryRun) note(`with hostPort: ${port}`);
  const command = ["kind", "create", "cluster", "--name", CLUSTER, "--config", config, "--wait", "180s"] as const;
  await shell.run(command, { timeoutMs: CREATE_MS });
  await ensureContext(shell, note, before);
  return "created";
}

/** Deletes the cluster and restores the context that was current before it; returns what it did. */
export async function deleteCluster(shell: Shell, state: State): Promise<string> {
  const contexts = await readContexts(shell);
  const exists = shell.dryRun || (await clusterExists(shell));
  if (exists) await shell.run(["kind", "delete", "cluster", "--name", CLUSTER], { timeoutMs: 3 * COMMAND_MS });
  const earlier = await state.read(EARLIER_CONTEXT);
  await state.forget(EARLIER_CONTEXT);
  if (!exists) return "does not exist";
  const goBack = contexts.current === KIND_CONTEXT && earlier !== null && contexts.server(earlier) !== null;
  if (!goBack) return "deleted with everything in it";
  await shell.run(["kubectl", "config", "use-context", earlier], { timeoutMs: COMMAND_MS });
  return `deleted with everything in it; kubectl's current context is ${earlier} again`;
}
