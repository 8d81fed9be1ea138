/** `SCRAPE=fleet`: runs the simulated fleet of the image in the cluster, for the scraper to scrape. */
import { kubectl, type Place } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import { UsageError } from "../run/trouble.ts";
import type { Image } from "./image.ts";

const COMMAND_MS = 60_000;
const NAME = "fleet";
const LABEL = "gpu-telemetry/fleet";
const PORT = 9400;

/** @returns true if the fleet is asked for */
export function parseScrape(text: string | undefined): boolean {
  if (text === undefined || text === NAME) return text === NAME;
  throw new UsageError(`SCRAPE must be ${NAME}, got ${JSON.stringify(text)}`);
}

/** Values of the chart by which the scraper finds the fleet's exporters, and nothing else. */
export const FLEET_VALUES: Readonly<Record<string, unknown>> = {
  "scraper.enabled": true,
  "scraper.kubernetes": [],
  "scraper.http.urls": [`http://${NAME}:${PORT}/targets`],
  "scraper.http.interval": "15s",
};

/** Returns the manifests of a namespace, the fleet and its address, which meet the restricted pod security standard. */
function manifests({ repository, tag }: Image, { namespace }: Place): string {
  const labels = { app: NAME, [LABEL]: "true" };
  const metadata = { name: NAME, namespace, labels };
  const container = {
    name: NAME,
    image: `${repository}:${tag}`,
    imagePullPolicy: "IfNotPresent",
    args: [NAME],
    ports: [{ name: "http", containerPort: PORT }],
    readinessProbe: { httpGet: { path: "/targets", port: "http" }, periodSeconds: 5 },
    resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "256Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
  const pod = { automountServiceAccountToken: false, enableServiceLinks: false, containers: [container] };
  const template = { metadata: { labels }, spec: pod };
  const selector = { app: NAME };
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { replicas: 1, selector: { matchLabels: selector }, template },
    },
    { apiVersion: "v1", kind: "Service", metadata, spec: { selector, ports: [{ port: PORT, targetPort: "http" }] } },
  ];
  return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
}

export async function placeFleet(shell: Shell, place: Place, image: Image): Promise<void> {
  const apply = kubectl(place, "apply", "--server-side", "--filename", "-");
  await shell.run(apply, { timeoutMs: COMMAND_MS, input: manifests(image, place) });
}

/** Deletes the fleet of an earlier run. */
export async function deleteFleet(shell: Shell, place: Place): Promise<void> {
  const outcome = await shell.ask(kubectl(place, "get", "deployments", "--selector", LABEL, "--output", "name"));
  if (outcome?.code !== 0 || outcome.stdout.trim() === "") return;
  const remove = kubectl(place, "delete", "deployments,services", "--selector", LABEL, "--wait=false");
  await shell.run(remove, { timeoutMs: COMMAND_MS });
}
