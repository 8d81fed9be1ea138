/** Renders the chart with Helm. */
import { join } from "node:path";
import { finished } from "../kubernetes/programs.ts";
import { ROOT } from "../programs/process.ts";

export const CHART = join(ROOT, "infra/helm/gpu-telemetry");

/** APIs of a cluster that has everything the chart can use. */
const EVERY_API = ["monitoring.coreos.com/v1", "keda.sh/v1alpha1", "gateway.networking.k8s.io/v1"];

export interface RenderOptions {
  /** Folder of the chart. */
  readonly folder?: string;
  /** Values files. */
  readonly values?: readonly string[];
  /** Values for `--set`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Files for `--set-file`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly kubeVersion?: string;
  readonly apis?: readonly string[];
  readonly flags?: readonly string[];
}

const pairs = (flag: string, given: Readonly<Record<string, string | number | boolean>> = {}): string[] =>
  Object.entries(given).flatMap(([key, value]) => [flag, `${key}=${value}`]);

/** @throws Error with the output of Helm if it fails */
export async function render(helm: string, options: RenderOptions = {}): Promise<string> {
  const { folder = CHART, kubeVersion = "1.34.0", apis = EVERY_API } = options;
  const { code, stdout, stderr } = await finished([
    ...[helm, "template", "gpu-telemetry", folder, "--namespace", "gpu-telemetry", "--kube-version", kubeVersion],
    ...(options.values ?? []).flatMap((file) => ["--values", file]),
    ...pairs("--set", options.set),
    ...pairs("--set-file", options.files),
    ...apis.flatMap((api) => ["--api-versions", api]),
    ...(options.flags ?? []),
  ]);
  if (code !== 0) throw new Error(stderr.trim());
  return stdout;
}
