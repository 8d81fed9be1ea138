/** Builds the image, and loads it onto the nodes of the kind cluster or pushes it. */
import { join } from "node:path";
import { CHART, CLUSTER, helm, IMAGE, type Place, RELEASE, ROOT } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import { Trouble } from "../run/trouble.ts";
import { clusterNodes } from "./cluster.ts";

const BUILD = join(ROOT, "infra/scripts/docker-build.sh");
/** A first build downloads the base image. */
const BUILD_MS = 20 * 60_000;
const LOAD_MS = 10 * 60_000;
const PUSH_MS = 20 * 60_000;

export interface Image {
  readonly repository: string;
  readonly tag: string;
}

const nameOf = ({ repository, tag }: Image) => `${repository}:${tag}`;

/** Builds the work tree. The tag is the commit, plus a hash of the tree if that has uncommitted changes. */
export async function buildLocalImage(shell: Shell): Promise<Image> {
  const printed = await shell.run([BUILD], { timeoutMs: BUILD_MS, env: { IMAGE } });
  const name = shell.dryRun ? `${IMAGE}:COMMIT` : printed.trim();
  const match = /^(\S+):([\w.-]+)$/.exec(name);
  if (match === null) throw new Trouble(`${BUILD} must print the image's name, got ${JSON.stringify(name)}`);
  return { repository: match[1]!, tag: match[2]! };
}

/** Completes a name as containerd does, to `host[:port]/path/name:tag`. */
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

/** Images of the databases, which the chart names. */
async function imagesOfChart(shell: Shell, place: Place): Promise<string[]> {
  const outcome = await shell.ask(helm(place, "template", RELEASE, CHART));
  const names = [...(outcome?.stdout ?? "").matchAll(/^\s*(?:- )?image: *["']?([^"'\s]+)/gm)].map((match) => match[1]!);
  return [...new Set(names)].filter((name) => !fullName(name).startsWith(`docker.io/library/${IMAGE}:`));
}

/**
 * Loads onto the nodes the images that they lack: ours, and the databases' images that are on this machine, which saves
 * the nodes a download. Returns a summary.
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
      // Docker's containerd store keeps one platform of an image but saves the index of all, which kind cannot load.
      note(`${name} is on this machine but cannot be loaded: the nodes will pull it`);
    }
  }
  if (shell.dryRun) return "";
  return loaded.length === 0 ? "the nodes have all images" : `loaded ${loaded.join(", ")}`;
}

/**
 * Returns the platform of the nodes, such as `linux/arm64`, if all have the same and the Docker daemon has another.
 * Null means to build for the platform of the daemon; users who may not list nodes get that, too.
 */
async function foreignPlatform(shell: Shell, place: Place): Promise<string | null> {
  const path = "jsonpath={.items[*].status.nodeInfo.architecture}";
  const nodes = await shell.ask(["kubectl", "--context", place.context, "get", "nodes", "--output", path]);
  const daemon = await shell.ask(["docker", "version", "--format", "{{.Server.Arch}}"]);
  const architectures = [...new Set(nodes?.code === 0 ? nodes.stdout.split(/\s+/).filter((each) => each !== "") : [])];
  const [only] = architectures;
  if (only === undefined || architectures.length > 1) return null;
  return only === daemon?.stdout.trim() ? null : `linux/${only}`;
}

/** Builds the image for the nodes of the cluster, with its name in the registry; returns a summary. */
export async function buildImage(shell: Shell, place: Place, image: Image): Promise<string> {
  const platform = await foreignPlatform(shell, place);
  const options = platform === null ? [] : ["--platform", platform];
  await shell.run([BUILD, "--tag", nameOf(image), ...options], { timeoutMs: BUILD_MS, env: { IMAGE } });
  return platform === null ? nameOf(image) : `${nameOf(image)} for ${platform}, the platform of the nodes`;
}

/** Returns the digest in the registry; undefined if Docker does not print one. */
export async function pushImage(shell: Shell, image: Image): Promise<string | undefined> {
  const printed = await shell.run(["docker", "push", nameOf(image)], { timeoutMs: PUSH_MS });
  return /digest: (sha256:[0-9a-f]{64})/.exec(printed)?.[1];
}
