/** The raw manifests: what Helm renders of the chart, a file for each component, put together by Kustomize. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CHART, COMPONENTS } from "../deployment/place.ts";

/** Secrets are Kustomize's: what Helm would make up would be another in each render. */
const VALUES = {
  "auth.existingSecret": "gpu-telemetry",
  "redis.auth.existingSecret": "redis",
  "mongodb.auth.existingSecret": "mongodb",
};

/** What only Helm asks for. */
const HELM_ONLY = /^ *(helm\.sh\/chart: .*|app\.kubernetes\.io\/managed-by: Helm)\n/gm;

/** What is not of one component: its account and the policy that binds all pods. */
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
# Your registry and tag go here.
images:
  - name: gpu-telemetry
    newName: gpu-telemetry
    newTag: dev
# Their names get a hash of what is in them: pods are replaced when it changes.
secretGenerator:
  - name: gpu-telemetry
    envs: [secrets/tokens.env]
  - name: redis
    envs: [secrets/redis.env]
  - name: mongodb
    envs: [secrets/mongodb.env]
`;

/**
 * Name of the file → what it must hold.
 * @throws Error with what Helm said
 */
export async function printManifests(helm: string): Promise<Readonly<Record<string, string>>> {
  const set = Object.entries(VALUES).flatMap(([name, value]) => ["--set-string", `${name}=${value}`]);
  const flags = ["--namespace", "gpu-telemetry", "--kube-version", "1.34.0", "--skip-tests", ...set];
  const { stdout } = await promisify(execFile)(helm, ["template", "gpu-telemetry", CHART, ...flags], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const files = new Map<string, string[]>();
  for (const text of stdout.split(/^---\n/m)) {
    const document = text
      .replace(/^# Source: .*\n/gm, "")
      .replace(HELM_ONLY, "")
      .replace(/[ \t]+$/gm, "")
      .trim();
    // The policy that lets the release's test through.
    if (document === "" || /^ {4}app: test$/m.test(document.slice(0, document.indexOf("\nspec:")))) continue;
    const name = fileOf(document);
    files.set(name, [...(files.get(name) ?? []), document]);
  }
  const names = ["namespace.yaml", ...[...files.keys()].sort()];
  return {
    "kustomization.yaml": kustomization(names),
    "namespace.yaml": NAMESPACE,
    ...Object.fromEntries([...files].map(([name, documents]) => [name, `${documents.join("\n---\n")}\n`])),
  };
}
