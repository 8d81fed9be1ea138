/** Names and paths of the cluster, the release and its components. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
export const CLUSTER = "gpu-telemetry-cluster";
/** kind derives this name from the cluster's. */
export const KIND_CONTEXT = `kind-${CLUSTER}`;
export const NAMESPACE = "gpu-telemetry";
export const RELEASE = "gpu-telemetry";
/** Name of the image without its registry. */
export const IMAGE = "gpu-telemetry";
/** NodePort of service api-gateway in the kind cluster; infra/kind/cluster.yaml maps it to a port of localhost. */
export const NODE_PORT = 30_080;
export const CHART = join(ROOT, "infra/helm/gpu-telemetry");

/** Components, by the `app` label of their pods. */
export const COMPONENTS = [
  "api-gateway",
  "collector",
  "inventory",
  "mongodb",
  "queue-service",
  "redis",
  "scraper",
  "streamer",
  "telemetry",
] as const;

/** Location of a release. */
export interface Place {
  readonly context: string;
  readonly namespace: string;
}

export const LOCAL: Place = { context: KIND_CONTEXT, namespace: NAMESPACE };

/** The words of a kubectl command for a place, whatever the current context. */
export const kubectl = ({ context, namespace }: Place, ...args: string[]) =>
  ["kubectl", "--context", context, "--namespace", namespace, ...args] as const;

export const helm = ({ context, namespace }: Place, ...args: string[]) =>
  ["helm", "--kube-context", context, "--namespace", namespace, ...args] as const;
