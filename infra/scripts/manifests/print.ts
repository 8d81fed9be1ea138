/** Renders the chart into raw manifests: one file per component, combined by Kustomize. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CHART, COMPONENTS } from "../deployment/run/place.ts";

/** Kustomize generates the Secrets, because random ones from Helm would differ in each render. */
const VALUES = {
  "auth.existingSecret": "gpu-telemetry",
  "redis.auth.existingSecret": "redis",
  "mongodb.auth.existingSecret": "mongodb",
};

/**
 * The role by which the scraper finds exporters. It is no part of the kustomization, which puts everything into one
 * namespace, and needs that of the exporters.
 */
const ROLE = "scraper-role.yaml";

/** Labels that only Helm needs. */
const HELM_ONLY = /^ *(helm\.sh\/chart: .*|app\.kubernetes\.io\/managed-by: Helm)\n/gm;

/** File for objects of no single component: the service account, and the network policy for all pods. */
const RELEASE = "release";

function fileOf(document: string): string {
  const app = /^ {4}app: (\S+)$/m.exec(document)?.[1];
  return `${COMPONENTS.find((component) => component === app) ?? RELEASE}.yaml`;
}

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: gpu-telemetry
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
`;

const kustomization = (files: readonly string[]): string => `# kubectl apply -k infra/k8s
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: gpu-telemetry
resources:
${files.map((file) => `  - ${file}`).join("\n")}
# Set your registry and tag here.
images:
  - name: gpu-telemetry
    newName: gpu-telemetry
    newTag: dev
# Names of these Secrets end in a hash of their content, so pods are replaced when it changes.
secretGenerator:
  - name: gpu-telemetry
    envs: [secrets/tokens.env]
  - name: redis
    envs: [secrets/redis.env]
  - name: mongodb
    envs: [secrets/mongodb.env]
`;

/**
 * Returns file name → content.
 *
 * @throws Error with the output of Helm if it fails
 */
export async function printManifests(helm: string): Promise<Readonly<Record<string, string>>> {
  const files = new Map<string, string[]>();
  for (const document of await documentsOf(helm)) {
    // Leave out the policy for the pod of `helm test`.
    if (/^ {4}app: test$/m.test(document.slice(0, document.indexOf("\nspec:")))) continue;
    const name = fileOf(document);
    files.set(name, [...(files.get(name) ?? []), document]);
  }
  const role = await documentsOf(helm, "--set", "scraper.enabled=true", "--show-only", `templates/${ROLE}`);
  const names = ["namespace.yaml", ...[...files.keys()].sort()];
  return {
    "kustomization.yaml": kustomization(names),
    "namespace.yaml": NAMESPACE,
    ...Object.fromEntries([...files, [ROLE, role] as const].map(([name, documents]) => [name, textOf(documents)])),
  };
}

const textOf = (documents: readonly string[]): string => `${documents.join("\n---\n")}\n`;

/** Renders the chart; returns its documents without what only Helm needs. */
async function documentsOf(helm: string, ...more: readonly string[]): Promise<string[]> {
  const set = Object.entries(VALUES).flatMap(([name, value]) => ["--set-string", `${name}=${value}`]);
  const flags = ["--namespace", "gpu-telemetry", "--kube-version", "1.34.0", "--skip-tests", ...set, ...more];
  const { stdout } = await promisify(execFile)(helm, ["template", "gpu-telemetry", CHART, ...flags], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split(/^---\n/m).flatMap((text) => {
    const document = text
      .replace(/^# Source: .*\n/gm, "")
      .replace(HELM_ONLY, "")
      .replace(/[ \t]+$/gm, "")
      .trim();
    return document === "" ? [] : [document];
  });
}
