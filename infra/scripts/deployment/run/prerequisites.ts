/** Checks the tools, the Docker daemon and the port that a command needs, before it changes anything. */
import { createServer } from "node:net";
import { NOT_FOUND, type Outcome, type Shell } from "./shell.ts";
import { Trouble } from "./trouble.ts";

interface Tool {
  readonly name: string;
  /** Oldest supported release. */
  readonly least: string;
  readonly version: readonly [program: string, ...args: string[]];
  readonly get: string;
}

const TOOLS = {
  docker: {
    name: "docker",
    least: "20.10",
    version: ["docker", "version", "--format", "{{.Client.Version}}"],
    get: "https://docs.docker.com/get-started/get-docker",
  },
  kind: {
    name: "kind",
    least: "0.20",
    version: ["kind", "version"],
    get: "brew install kind, or https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
  },
  kubectl: {
    name: "kubectl",
    least: "1.29",
    version: ["kubectl", "version", "--client", "--output", "json"],
    get: "brew install kubectl, or https://kubernetes.io/docs/tasks/tools",
  },
  helm: {
    name: "helm",
    least: "3.14",
    version: ["helm", "version", "--short"],
    get: "brew install helm, or https://helm.sh/docs/intro/install",
  },
  git: {
    name: "git",
    least: "2.0",
    version: ["git", "version"],
    get: "https://git-scm.com/downloads",
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

/** Returns the first version number in the output of a tool. */
const versionIn = (text: string): string | undefined => /\bv?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];

export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.split(".").map(Number));
  for (let index = 0; index < b!.length; index++) {
    const difference = (a![index] ?? 0) - b![index]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Returns the problem of a tool, or its version. */
function judge({ name, least, get }: Tool, { code, stdout, stderr }: Outcome): { wrong: string } | { version: string } {
  if (code === NOT_FOUND) return { wrong: `${name} ${least} or newer must be installed (${get})` };
  // Docker exits with an error if no daemon answers, but prints the version of its client.
  const version = versionIn(stdout);
  if (version === undefined) {
    return { wrong: `${name} does not print its version (status ${code}): ${(stderr || stdout).trim().slice(0, 300)}` };
  }
  if (!isAtLeast(version, least)) return { wrong: `${name} must be ${least} or newer, got ${version} (${get})` };
  return { version };
}

/**
 * Returns a line with the tools and their versions.
 *
 * @throws Trouble that names every tool that is missing or too old
 */
export async function checkTools(shell: Shell, names: readonly ToolName[]): Promise<string> {
  const found = await Promise.all(
    names.map(async (name) => {
      const outcome = await shell.ask(TOOLS[name].version);
      return outcome === null ? { version: TOOLS[name].least } : judge(TOOLS[name], outcome);
    }),
  );
  const wrong = found.flatMap((each) => ("wrong" in each ? [each.wrong] : []));
  if (wrong.length > 0)
    throw new Trouble(wrong.join("\n"), { next: ["Install them, then run the same command again."] });
  if (shell.dryRun) return names.map((name) => `${name} ≥ ${TOOLS[name].least}`).join(", ");
  return names.map((name, index) => `${name} ${(found[index] as { version: string }).version}`).join(", ");
}

const GIB = 1024 ** 3;
/** The memory requests of all pods and of the node itself, and some room for builds. */
const LEAST_MEMORY_GIB = 3.5;

/**
 * Returns a line with the memory of the daemon.
 *
 * @throws Trouble if no daemon answers, if it is too old, or if it has too little memory for the cluster
 */
export async function checkDocker(shell: Shell, { forCluster }: { forCluster: boolean }): Promise<string> {
  const outcome = await shell.ask(["docker", "info", "--format", "{{.ServerVersion}} {{.MemTotal}}"]);
  if (outcome === null) return "Docker answers";
  const [version, bytes] = outcome.stdout.trim().split(" ");
  if (outcome.code !== 0 || versionIn(version ?? "") === undefined) {
    const why = (outcome.stderr || outcome.stdout).trim().split("\n").at(-1) ?? "";
    throw new Trouble(`Docker does not answer: ${why}`, {
      next: ["Start Docker Desktop, or: sudo systemctl start docker"],
    });
  }
  if (!isAtLeast(versionIn(version!)!, TOOLS.docker.least)) {
    throw new Trouble(`The Docker daemon must be ${TOOLS.docker.least} or newer, got ${version} (${TOOLS.docker.get})`);
  }
  const memory = Number(bytes) / GIB;
  if (forCluster && memory > 0 && memory < LEAST_MEMORY_GIB) {
    throw new Trouble(`Docker's memory must be at least ${LEAST_MEMORY_GIB} GiB, got ${memory.toFixed(1)} GiB`, {
      next: ["In Docker Desktop, set Settings > Resources > Memory to 4 GB or more. Then: just up"],
    });
  }
  return `Docker answers, ${memory.toFixed(1)} GiB`;
}

const canListen = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    // A machine without IPv6 has no ::1, so no program can listen on it.
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "EADDRINUSE" && error.code !== "EACCES"),
    );
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });

/** @throws Trouble if another program listens on the port, on either address of localhost */
export async function checkPort(port: number, command: string): Promise<void> {
  const free = (await canListen(port, "127.0.0.1")) && (await canListen(port, "::1"));
  if (free) return;
  throw new Trouble(`Port ${port} of localhost is in use by another program`, {
    next: [`lsof -nP -iTCP:${port} -sTCP:LISTEN`, `${command} PORT=${port === 65_535 ? 8081 : port + 1}`],
  });
}
