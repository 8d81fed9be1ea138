/** What has to be on the machine: looked for first, and all that is missing is named at once. */
import { createServer } from "node:net";
import { NOT_FOUND, type Outcome, type Shell } from "./shell.ts";
import { Trouble } from "./trouble.ts";

interface Tool {
  readonly name: string;
  /** The oldest release that will do. */
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

/** The first number with a dot in what a tool says about itself. */
const versionIn = (text: string): string | undefined => /\bv?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];

export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.split(".").map(Number));
  for (let index = 0; index < b!.length; index++) {
    const difference = (a![index] ?? 0) - b![index]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** What is wrong with a tool, or its version. */
function judge({ name, least, get }: Tool, { code, stdout, stderr }: Outcome): { wrong: string } | { version: string } {
  if (code === NOT_FOUND) return { wrong: `${name} is not installed: needed is ${least} or newer (${get})` };
  // Docker says its client's version although no daemon answers.
  const version = versionIn(stdout);
  if (version === undefined) {
    return { wrong: `${name} does not say its version (status ${code}): ${(stderr || stdout).trim().slice(0, 300)}` };
  }
  if (!isAtLeast(version, least)) return { wrong: `${name} is ${version}: needed is ${least} or newer (${get})` };
  return { version };
}

/**
 * @returns what was found, to be printed
 * @throws Trouble with all that is missing or too old
 */
export async function checkTools(shell: Shell, names: readonly ToolName[]): Promise<string> {
  const found = await Promise.all(
    names.map(async (name) => {
      const outcome = await shell.ask(TOOLS[name].version);
      return outcome === null ? { version: TOOLS[name].least } : judge(TOOLS[name], outcome);
    }),
  );
  const wrong = found.flatMap((each) => ("wrong" in each ? [each.wrong] : []));
  if (wrong.length > 0) throw new Trouble(wrong.join("\n"), { next: ["Install them, then type the same again."] });
  if (shell.dryRun) return names.map((name) => `${name} ≥ ${TOOLS[name].least}`).join(", ");
  return names.map((name, index) => `${name} ${(found[index] as { version: string }).version}`).join(", ");
}

const GIB = 1024 ** 3;
/** What the requests of all pods, the node's own and some room for builds come to. */
const LEAST_MEMORY_GIB = 3.5;

/**
 * @returns the daemon's memory in GiB; 0 when nothing is run
 * @throws Trouble when no daemon answers, or when it has too little memory for `neededGiB`
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
    throw new Trouble(
      `The Docker daemon is ${version}: needed is ${TOOLS.docker.least} or newer (${TOOLS.docker.get})`,
    );
  }
  const memory = Number(bytes) / GIB;
  if (forCluster && memory > 0 && memory < LEAST_MEMORY_GIB) {
    throw new Trouble(`Docker has ${memory.toFixed(1)} GiB of memory: the cluster needs ${LEAST_MEMORY_GIB} GiB`, {
      next: ["Docker Desktop: Settings, Resources, Memory: 4 GB or more. Then: just up"],
    });
  }
  return `Docker answers, ${memory.toFixed(1)} GiB`;
}

const canListen = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    // A machine without IPv6 has no such address: nobody can hold it.
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "EADDRINUSE" && error.code !== "EACCES"),
    );
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });

/** @throws Trouble when another program holds it on either of localhost's addresses */
export async function checkPort(port: number, command: string): Promise<void> {
  const free = (await canListen(port, "127.0.0.1")) && (await canListen(port, "::1"));
  if (free) return;
  throw new Trouble(`Port ${port} of localhost is in use by another program`, {
    next: [`lsof -nP -iTCP:${port} -sTCP:LISTEN`, `${command} PORT=${port === 65_535 ? 8081 : port + 1}`],
  });
}
