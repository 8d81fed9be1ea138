/** Runs programs of the product as child processes: starts, watches, kills and always reaps them. */
import { join } from "node:path";
import { Glob } from "bun";
import { DEADLINE_MS } from "../time/eventually.ts";

export const ROOT = join(import.meta.dir, "../../..");

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Everything printed so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Resolves to the first JSON log line that fits. Rejects when the program ends or the deadline passes before. */
  logLine(fits: (line: LogLine) => boolean, options: { what: string; deadlineMs?: number }): Promise<LogLine>;
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly message?: string };

const parseLine = (text: string): LogLine => {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return {};
  }
};

export function startProgram(command: readonly string[], env: Record<string, string> = {}): Program {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  const collect = async (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) {
      output[name] += decoder.decode(chunk, { stream: true });
      for (const watch of watchers) watch();
    }
  };
  const drained = Promise.all([collect("stdout"), collect("stderr")]);
  const exited = drained.then(() => child.exited);
  return {
    pid: child.pid,
    output,
    exited,
    kill: (signal) => child.kill(signal),
    logLine: (fits, { what, deadlineMs = DEADLINE_MS }) =>
      new Promise((resolve, reject) => {
        let read = 0;
        const settle = (act: () => void) => {
          clearTimeout(timer);
          watchers.delete(watch);
          act();
        };
        const watch = () => {
          for (let end = output.stdout.indexOf("\n", read); end !== -1; end = output.stdout.indexOf("\n", read)) {
            const line = parseLine(output.stdout.slice(read, end));
            read = end + 1;
            if (fits(line)) return settle(() => resolve(line));
          }
        };
        const lost = (why: string) => () =>
          settle(() =>
            reject(new Error(`${what}: ${why}\n${output.stdout.slice(-4000)}\n${output.stderr.slice(-4000)}`)),
          );
        const timer = setTimeout(lost(`not seen within ${deadlineMs} ms`), deadlineMs);
        watchers.add(watch);
        watch();
        void exited.then(lost("the program ended first"));
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export const BUN = process.execPath;

/** Finds the binary: the start script of the package needs Node and does not forward signals. */
function findDeno(): string {
  const [found] = new Glob("*/deno").scanSync({ cwd: join(ROOT, "node_modules/@deno") });
  if (found === undefined) throw new Error("The npm package deno has no binary for this machine");
  return join(ROOT, "node_modules/@deno", found);
}

/** Returns the command line that runs a TypeScript file on a runtime. */
export const onRuntime = (runtime: "bun" | "deno", file: string, ...args: string[]): string[] =>
  runtime === "bun" ? [BUN, file, ...args] : [findDeno(), "run", "--allow-all", "--no-prompt", file, ...args];

/** Resolves to the address that a service logs once it listens. */
export async function addressOf(program: Program): Promise<string> {
  const line = await program.logLine((candidate) => candidate.message === "listening", { what: "listening" });
  return String(line.url);
}
