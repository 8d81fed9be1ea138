/**
 * A machine to run the justfile on: shims for docker, kind and git, real helm and kubectl behind shims that record
 * calls, a fake cluster, a kubeconfig with a foreign context, and a home of its own.
 */
import { cp, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { Glob, type Subprocess } from "bun";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { BUN, ROOT } from "../programs/process.ts";
import { withoutBackend } from "../servers/backend.ts";
import { freePort } from "../servers/free-port.ts";
import { eventually } from "../time/eventually.ts";
import { type FakeApiServer, startFakeApiServer } from "./api-server.ts";
import { type Finished, finished, kubernetesPrograms } from "./programs.ts";

const SHIMS_FOLDER = join(ROOT, "test/support/kubernetes/shims");
/** System programs that the shims and scripts use. */
const SYSTEM = ["bash", "sh", "cat", "dirname", "mkdir", "mktemp", "rm", "sed", "touch"];

export interface Workbench extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly port: number;
  readonly folder: string;
  /** Runs `just WORDS…` with the PORT of this bench in the environment. */
  just(...words: string[]): Promise<Finished>;
  /** The commands called since the last call of this function. */
  calls(): Promise<string[]>;
  /** Sets the state of a shim. */
  set(name: string, content: string): Promise<void>;
  /** Removes a program from PATH. */
  uninstall(program: string): Promise<void>;
  /** Starts real helm on the fake cluster, to be killed while it waits for workloads that never become ready. */
  startHelm(...words: string[]): Subprocess;
  readKubeconfig(): Promise<string>;
  writeKubeconfig(text: string): Promise<void>;
  /** Process ids of all forwards that were started, ended ones included. */
  forwards(): Promise<number[]>;
}

/** Returns our optional dependency, which exists for Linux x64, or else the command on PATH. */
function findJust(): string | null {
  const [found] = new Glob("rust-just-*/bin/just").scanSync({ cwd: join(ROOT, "node_modules") });
  return found === undefined ? Bun.which("just") : join(ROOT, "node_modules", found);
}

/** Returns the folder with helm and kubectl, or null, with an announcement, if they or `just` are missing. */
export async function workbenchPrograms(suite: string): Promise<string | null> {
  if (findJust() === null) return withoutBackend(suite, "`just`, on PATH or in node_modules (npm i -g rust-just)");
  return kubernetesPrograms(suite);
}

const FOREIGN = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "production",
  clusters: [{ name: "production", cluster: { server: "https://production.example.com" } }],
  users: [{ name: "someone", user: { token: "a-secret" } }],
  contexts: [{ name: "production", context: { cluster: "production", user: "someone", namespace: "billing" } }],
};

export async function setUpWorkbench(programs: string): Promise<Workbench> {
  const temporary = await temporaryFolder();
  const server = startFakeApiServer();
  const shims = join(temporary.path, "shims");
  const bin = join(temporary.path, "bin");
  const config = join(temporary.path, "kubeconfig");
  for (const name of ["images", "node"]) await mkdir(join(shims, name), { recursive: true });
  await mkdir(bin);
  for (const name of ["docker", "kind", "kubectl", "helm", "git"]) await cp(join(SHIMS_FOLDER, name), join(bin, name));
  for (const name of SYSTEM) await symlink(Bun.which(name)!, join(bin, name));
  await symlink(BUN, join(bin, "bun"));
  const set = (name: string, content: string) => Bun.write(join(shims, name), content).then(() => {});
  const initial = {
    calls: "",
    server: server.url,
    helm: "helm",
    head: "a".repeat(40),
    tree: "tree of head",
    "docker-version": "28.5.1",
    "docker-memory": String(8 * 1024 ** 3),
    "kind-version": "0.30.0",
  };
  for (const [name, content] of Object.entries(initial)) await set(name, content);
  await Bun.write(config, JSON.stringify(FOREIGN, null, 2));
  const port = await freePort();
  const env = {
    PATH: bin,
    HOME: temporary.path,
    KUBECONFIG: config,
    SHIMS: shims,
    SHIMS_FOLDER,
    PROGRAMS: programs,
    PORT: String(port),
  };
  const just = findJust();
  const run = (...words: string[]) => finished([just!, ...words], env, { inherit: false });
  const pidsIn = async (name: string) => {
    const text = await readFile(join(shims, name), "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => (line === "" ? [] : [Number(line)]));
  };
  const forwards = () => pidsIn("forwards");
  return {
    server,
    port,
    folder: temporary.path,
    just: run,
    calls: async () => {
      const text = await readFile(join(shims, "calls"), "utf8");
      await set("calls", "");
      return text.split("\n").filter((line) => line !== "");
    },
    set,
    startHelm: (...words) => Bun.spawn([join(programs, "helm"), ...words], { env, stdout: "ignore", stderr: "ignore" }),
    uninstall: (program) => rm(join(bin, program)),
    writeKubeconfig: (text) => Bun.write(config, text).then(() => {}),
    readKubeconfig: () => readFile(config, "utf8"),
    forwards,
    [Symbol.asyncDispose]: async () => {
      for (const pid of await pidsIn("node-port")) process.kill(pid);
      const left = (await forwards()).filter(isAlive);
      await eventually(() => !left.some(isAlive), { what: `the forwards ${left} have ended` });
      await server[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
