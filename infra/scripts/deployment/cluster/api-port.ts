/**
 * The port of localhost on which the kind cluster serves the API. Docker publishes it when kind creates the node, so it
 * cannot change while the cluster exists, and no process of ours keeps it open.
 */

import { CLUSTER, NODE_PORT } from "../run/place.ts";
import { checkPort } from "../run/prerequisites.ts";
import type { Shell } from "../run/shell.ts";
import { Trouble } from "../run/trouble.ts";
import { clusterExists } from "./cluster.ts";

export const DEFAULT_PORT = 8080;

/** `HostConfig.PortBindings` of a container, as Docker's API has it. */
type PortBindings = Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;

/** Returns null if the node does not exist or publishes no port for the API. A stopped node counts, too. */
export async function readApiPort(shell: Shell): Promise<number | null> {
  const node = `${CLUSTER}-control-plane`;
  const outcome = await shell.ask(["docker", "inspect", "--format", "{{json .HostConfig.PortBindings}}", node]);
  if (outcome === null || outcome.code !== 0) return null;
  const bindings = JSON.parse(outcome.stdout) as PortBindings | null;
  const port = bindings?.[`${NODE_PORT}/tcp`]?.[0]?.HostPort;
  return port === undefined ? null : Number(port);
}

/**
 * Returns the port of the existing cluster, or the one that a new cluster will get.
 *
 * @param requested null: any port will do
 * @throws Trouble if the existing cluster has another port, or if the port of a new one is in use
 */
export async function chooseApiPort(shell: Shell, requested: number | null): Promise<number> {
  if (shell.dryRun) return requested ?? DEFAULT_PORT;
  if (!(await clusterExists(shell))) {
    await checkPort(requested ?? DEFAULT_PORT, "just up");
    return requested ?? DEFAULT_PORT;
  }
  const port = await readApiPort(shell);
  const recreate = (command: string) =>
    `just down && ${command}     # a new cluster; deletes the readings stored in this one`;
  if (port === null) {
    throw new Trouble(`Cluster ${CLUSTER} publishes no port for the API: an earlier version created it`, {
      next: [recreate(requested === null ? "just up" : `just up PORT=${requested}`)],
    });
  }
  if (requested === null || requested === port) return port;
  throw new Trouble(
    `PORT must be ${port} while cluster ${CLUSTER} exists, got ${requested}: the port is fixed when the cluster is created`,
    { next: [`just up PORT=${port}     # keeps the cluster`, recreate(`just up PORT=${requested}`)] },
  );
}
