/**
 * MongoDB-compatible servers for tests. The first one found is used: MONGODB_URI, `mongod`, `ferretdb` on PATH or built
 * by Go, `mongo:8` in a container. A test that kills or pauses its server always starts a private one.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { GenericContainer, getContainerRuntimeClient } from "testcontainers";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { type Program, ROOT, startProgram } from "../programs/process.ts";
import { eventually } from "../time/eventually.ts";
import { announceBackend, hasContainerEngine, withoutBackend } from "./backend.ts";
import { freePort } from "./free-port.ts";

const START_LIMIT_MS = 60_000;

export interface MongoServer extends AsyncDisposable {
  /** Product and version, for the output of tests. */
  readonly name: string;
  readonly uri: string;
}

/** Has its own process, port and directory. Writes that it acknowledged as journalled survive `kill`. */
export interface PrivateMongoServer extends MongoServer {
  readonly port: number;
  /** Process id of the running server; null when it runs in a container. */
  readonly pid: number | null;
  /** Sends SIGKILL; resolves once the server has ended. */
  kill(): Promise<void>;
  /** Starts again after `kill`, with the same port and directory; resolves once the server answers. */
  start(): Promise<void>;
  /** Sends SIGSTOP: connections stay open, and no request is answered until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** A way to run a server on a port: a local process or a container. */
interface Engine {
  readonly pid: number | null;
  run(): Promise<void>;
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** Rejects when the server ends; never resolves. */
  ended(): Promise<never>;
  remove(): Promise<void>;
}

/** Waits until the server answers. @returns product and version */
async function nameOf(uri: string): Promise<string> {
  await using client = new MongoClient(uri, { serverSelectionTimeoutMS: START_LIMIT_MS });
  const { version, ferretdbVersion } = await client.db("admin").command({ buildInfo: 1 });
  return ferretdbVersion === undefined ? `MongoDB ${version}` : `FerretDB, which answers as MongoDB ${version}`;
}

/** Whether each thread has stopped: a signal reaches them one after another. */
async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8")));
  return states.every((stat) => /\) [Tt] /.test(stat));
}

function localEngine(command: (folder: string) => string[], folder: { path: string } & AsyncDisposable): Engine {
  let program: Program | undefined;
  const running = (): Program => {
    if (program === undefined) throw new Error("The server must be started first");
    return program;
  };
  return {
    get pid() {
      return running().pid;
    },
    async run() {
      program = startProgram(command(folder.path));
    },
    async signal(name) {
      running().kill(name);
      if (name === "SIGKILL") await running().exited;
      if (name === "SIGSTOP") await eventually(() => isStopped(running().pid), { what: "the server to stop" });
    },
    async ended() {
      const { exited, output } = running();
      throw new Error(
        `The server exited with status ${await exited}: ${output.stdout.slice(-2000)}${output.stderr.slice(-2000)}`,
      );
    },
    async remove() {
      await program?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function containerEngine(port: number): Promise<Engine> {
  const started = await new GenericContainer("mongo:8")
    .withExposedPorts({ container: 27_017, host: port })
    .withStartupTimeout(START_LIMIT_MS)
    .start();
  const { container } = await getContainerRuntimeClient();
  const handle = container.getById(started.getId());
  let isRunning = true;
  return {
    pid: null,
    async run() {
      if (!isRunning) await handle.start();
      isRunning = true;
    },
    async signal(name) {
      await handle.kill({ signal: name });
      if (name !== "SIGKILL") return;
      await handle.wait();
      isRunning = false;
    },
    ended: () => new Promise(() => {}),
    async remove() {
      await started.stop();
    },
  };
}

/** Finds `ferretdb` on PATH, or builds test/support/ferretdb when Go can. */
async function findFerret(): Promise<string | null> {
  const onPath = Bun.which("ferretdb");
  if (onPath !== null || Bun.which("go") === null) return onPath;
  const build = Bun.spawn([join(ROOT, "test/support/ferretdb/build")], { stdout: "pipe", stderr: "pipe" });
  const [path, problem] = await Promise.all([new Response(build.stdout).text(), new Response(build.stderr).text()]);
  if ((await build.exited) === 0) return path.trim();
  console.warn(`test/support/ferretdb/build failed: ${problem.trim().slice(-500)}`);
  return null;
}

async function findEngine(port: number): Promise<Engine | null> {
  const mongod = Bun.which("mongod");
  const local = async (command: (folder: string) => string[]) => localEngine(command, await temporaryFolder());
  if (mongod !== null) {
    return local((folder) => [mongod, "--bind_ip", "127.0.0.1", "--port", `${port}`, "--dbpath", folder, "--quiet"]);
  }
  const ferret = await findFerret();
  if (ferret !== null) return local((folder) => [ferret, "-listen", `127.0.0.1:${port}`, "-dir", folder]);
  return (await hasContainerEngine()) ? containerEngine(port) : null;
}

async function startServer(): Promise<PrivateMongoServer | null> {
  const port = await freePort();
  const engine = await findEngine(port);
  if (engine === null) return null;
  const uri = `mongodb://127.0.0.1:${port}/`;
  const start = async (): Promise<string> => {
    await engine.run();
    return Promise.race([nameOf(uri), engine.ended()]);
  };
  try {
    return {
      name: await start(),
      uri,
      port,
      get pid() {
        return engine.pid;
      },
      kill: () => engine.signal("SIGKILL"),
      start: async () => void (await start()),
      pause: () => engine.signal("SIGSTOP"),
      resume: () => engine.signal("SIGCONT"),
      [Symbol.asyncDispose]: () => engine.remove(),
    };
  } catch (error) {
    await engine.remove();
    throw error;
  }
}

const LOCAL = "mongod, ferretdb, Go (to build test/support/ferretdb), Docker";

/**
 * Opens a server that other suites may share, so a suite uses its own database. Without a server, prints a warning and
 * returns null.
 * @throws Error when there is none and `REQUIRE_BACKENDS=1`
 */
export async function requireMongo(suite: string): Promise<MongoServer | null> {
  const uri = process.env.MONGODB_URI;
  const server =
    uri === undefined || uri === ""
      ? await startServer()
      : { name: await nameOf(uri), uri, [Symbol.asyncDispose]: async () => {} };
  if (server === null) return withoutBackend(suite, `MONGODB_URI, ${LOCAL}`);
  announceBackend(suite, server.name);
  return server;
}

/** Starts a private server, which a test may kill and pause. Null and errors as for `requireMongo`. */
export async function requirePrivateMongo(suite: string): Promise<PrivateMongoServer | null> {
  const server = await startServer();
  if (server === null) return withoutBackend(suite, LOCAL);
  announceBackend(suite, server.name);
  return server;
}

let databases = 0;

/** Returns a database name that no other suite uses. */
export const randomDatabase = (): string =>
  `test_${process.pid}_${Date.now().toString(36)}_${Math.random().toString(36).slice(2, 8)}_${databases++}`;
