/** Names and places of what the scripts make. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const CLUSTER = "gpu-telemetry-cluster";
/** As kind names it. */
export const KIND_CONTEXT = `kind-${CLUSTER}`;
export const NAMESPACE = "gpu-telemetry";
export const RELEASE = "gpu-telemetry";
/** The image's name without a registry. */
export const IMAGE = "gpu-telemetry";
/** Of service api-gateway in the kind cluster; infra/kind/cluster.yaml maps it to a port of localhost. */
export const NODE_PORT = 30_080;
export const CHART = join(ROOT, "infra/helm/gpu-telemetry");

/** Components by the name of their pods' `app` label. */
export const COMPONENTS = [
  "api-gateway",
  "collector",
  "inventory",
  "mongodb",
  "queue-service",
  "redis",
  "streamer",
  "telemetry",
] as const;

/** Where a release is. */
export interface Place {
  readonly context: string;
  readonly namespace: string;
}

export const LOCAL: Place = { context: KIND_CONTEXT, namespace: NAMESPACE };

/** kubectl in that place and no other. */
export const kubectl = ({ context, namespace }: Place, ...args: string[]) =>
  ["kubectl", "--context", context, "--namespace", namespace, ...args] as const;

export const helm = ({ context, namespace }: Place, ...args: string[]) =>
  ["helm", "--kube-context", context, "--namespace", namespace, ...args] as const;
