/** The image: built, put on the nodes of the kind cluster, or pushed. */
import { join } from "node:path";
import { clusterNodes } from "./cluster.ts";
import { CHART, CLUSTER, helm, IMAGE, type Place, RELEASE, ROOT } from "./place.ts";
import type { Shell } from "./shell.ts";
import { Trouble } from "./trouble.ts";

const BUILD = join(ROOT, "infra/scripts/docker-build.sh");
/** A first build takes the base image from a registry. */
const BUILD_MS = 20 * 60_000;
const LOAD_MS = 10 * 60_000;
const PUSH_MS = 20 * 60_000;

export interface Image {
  readonly repository: string;
  readonly tag: string;
}

const nameOf = ({ repository, tag }: Image) => `${repository}:${tag}`;

/** Of the tree as it stands: the tag is the commit, and what differs from it. */
export async function buildLocalImage(shell: Shell): Promise<Image> {
  const printed = await shell.run([BUILD], { timeoutMs: BUILD_MS, env: { IMAGE } });
  const name = shell.dryRun ? `${IMAGE}:COMMIT` : printed.trim();
  const match = /^(\S+):([\w.-]+)$/.exec(name);
  if (match === null) throw new Trouble(`${BUILD} printed ${JSON.stringify(name)}: expected is the image's name`);
  return { repository: match[1]!, tag: match[2]! };
}

/** `[host[:port]/]path/name:tag`, as containerd spells it in full. */
export function fullName(name: string): string {
  const parts = name.split("/");
  if (parts.length === 1) return `docker.io/library/${name}`;
  return /[.:]|^localhost$/.test(parts[0]!) ? name : `docker.io/${name}`;
}

async function nodesWithout(shell: Shell, name: string, nodes: readonly string[]): Promise<string[]> {
  const without: string[] = [];
  for (const node of nodes) {
    const outcome = await shell.ask(["docker", "exec", node, "crictl", "inspecti", "--quiet", fullName(name)]);
    if (outcome === null || outcome.code !== 0) without.push(node);
  }
  return without;
}

async function load(shell: Shell, name: string, nodes: readonly string[]): Promise<void> {
  const command = ["kind", "load", "docker-image", name, "--name", CLUSTER, "--nodes", nodes.join(",")] as const;
  await shell.run(command, { timeoutMs: LOAD_MS });
}

/** The images of others that the chart names: the databases'. */
async function imagesOfChart(shell: Shell, place: Place): Promise<string[]> {
  const outcome = await shell.ask(helm(place, "template", RELEASE, CHART));
  const names = [...(outcome?.stdout ?? "").matchAll(/^\s*(?:- )?image: *["']?([^"'\s]+)/gm)].map((match) => match[1]!);
  return [...new Set(names)].filter((name) => !fullName(name).startsWith(`docker.io/library/${IMAGE}:`));
}

/**
 * Puts on the nodes what they lack: the image, and of the databases' images those that are on this machine, so that the
 * nodes need not pull them.
 */
export async function loadImages(
  shell: Shell,
  place: Place,
  image: Image,
  note: (line: string) => void,
): Promise<string> {
  const nodes = await clusterNodes(shell);
  const loaded: string[] = [];
  const lacking = await nodesWithout(shell, nameOf(image), nodes);
  if (lacking.length > 0) {
    await load(shell, nameOf(image), lacking);
    loaded.push(nameOf(image));
  }
  for (const name of await imagesOfChart(shell, place)) {
    const isHere = (await shell.ask(["docker", "image", "inspect", "--format", "{{.Id}}", name]))?.code === 0;
    const needs = isHere ? await nodesWithout(shell, name, nodes) : [];
    if (needs.length === 0) continue;
    try {
      await load(shell, name, needs);
      loaded.push(name);
    } catch {
      // Docker's containerd store keeps one platform of several and saves the index of all: kind cannot load that.
      note(`${name} is on this machine but cannot be loaded: the nodes pull it themselves`);
    }
  }
  if (shell.dryRun) return "and redis and mongo, where they are on this machine";
  return loaded.length === 0 ? "nothing to load: the nodes have it" : `loaded ${loaded.join(", ")}`;
}

/** `linux/arm64` when that is what all nodes are and the daemon is not; null: as the daemon is, or nobody may know. */
async function foreignPlatform(shell: Shell, place: Place): Promise<string | null> {
  const path = "jsonpath={.items[*].status.nodeInfo.architecture}";
  const nodes = await shell.ask(["kubectl", "--context", place.context, "get", "nodes", "--output", path]);
  const daemon = await shell.ask(["docker", "version", "--format", "{{.Server.Arch}}"]);
  const architectures = [...new Set(nodes?.code === 0 ? nodes.stdout.split(/\s+/).filter((each) => each !== "") : [])];
  const [only] = architectures;
  if (only === undefined || architectures.length > 1) return null;
  return only === daemon?.stdout.trim() ? null : `linux/${only}`;
}

/** Built for the nodes of the cluster, under the name that its registry knows. */
export async function buildImage(shell: Shell, place: Place, image: Image): Promise<string> {
  const platform = await foreignPlatform(shell, place);
  const options = platform === null ? [] : ["--platform", platform];
  await shell.run([BUILD, "--tag", nameOf(image), ...options], { timeoutMs: BUILD_MS, env: { IMAGE } });
  return platform === null ? nameOf(image) : `${nameOf(image)} for ${platform}, as the nodes are`;
}

/** @returns the digest that the registry gave it; undefined when Docker does not say */
export async function pushImage(shell: Shell, image: Image): Promise<string | undefined> {
  const printed = await shell.run(["docker", "push", nameOf(image)], { timeoutMs: PUSH_MS });
  return /digest: (sha256:[0-9a-f]{64})/.exec(printed)?.[1];
}
