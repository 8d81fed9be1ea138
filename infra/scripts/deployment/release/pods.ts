/** The state of a release's pods, from kubectl. */
import { kubectl, type Place, RELEASE } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";

export interface Pod {
  readonly name: string;
  /** The first container that is not ready, or else the first container. */
  readonly container: string;
  readonly ready: boolean;
  /** `Running`, or the reason why it does not run. */
  readonly state: string;
  readonly restarts: number;
}

interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: { readonly reason?: string };
  };
}

interface KubePod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

function readPod({ metadata, spec, status }: KubePod): Pod {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const isReady = status.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  const blamed = containers.find(({ ready, state }) => !ready && state?.terminated?.reason !== "Completed");
  const reason = blamed?.state?.waiting?.reason ?? blamed?.state?.terminated?.reason;
  const scheduled = status.conditions?.find(({ type }) => type === "PodScheduled");
  const state = scheduled?.status === "False" ? (scheduled.reason ?? status.phase) : (reason ?? status.phase);
  return {
    name: metadata.name,
    container: blamed?.name ?? spec.containers[0]!.name,
    ready: isReady || status.phase === "Succeeded",
    state: state === "Running" && !isReady ? "not ready yet" : state,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** States that do not end by waiting for other pods. */
const STUCK = /^(Unschedulable|OOMKilled|.*(Err|Error|BackOff|Invalid|Failed).*)$/;

/** Rank of the pods that others may be waiting for; 0 is ready. */
const blameOf = ({ ready, state, restarts }: Pod): number => (ready ? 0 : STUCK.test(state) ? 3 : restarts > 0 ? 2 : 1);

/** Pods that are not ready, the likely cause first. */
export const waitedFor = (pods: readonly Pod[]): Pod[] =>
  pods.filter(({ ready }) => !ready).sort((a, b) => blameOf(b) - blameOf(a));

/** Returns all pods that are not being deleted; null if the cluster does not answer. */
export async function readPods(shell: Shell, place: Place): Promise<Pod[] | null> {
  const selector = `app.kubernetes.io/instance=${RELEASE}`;
  const outcome = await shell.ask(kubectl(place, "get", "pods", "--selector", selector, "--output", "json"));
  if (outcome === null || outcome.code !== 0) return null;
  const { items } = JSON.parse(outcome.stdout) as { items: KubePod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(readPod);
}
