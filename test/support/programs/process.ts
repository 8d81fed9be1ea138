/** Programs of the product as child processes: started, watched line by line, killed, always reaped. */
import { join } from "node:path";
import { Glob } from "bun";
import { DEADLINE_MS } from "../time/eventually.ts";

export const ROOT = join(import.meta.dir, "../../..");

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Everything printed so far, standard output and standard error apart. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** The first JSON log line that fits; rejects when the program ends or the deadline passes before one came. */
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
        void exited.then(lost("the program ended"));
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export const BUN = process.execPath;

/** The binary itself: the package's own start script would not pass signals on, and wants Node. */
function findDeno(): string {
  const [found] = new Glob("*/deno").scanSync({ cwd: join(ROOT, "node_modules/@deno") });
  if (found === undefined) throw new Error("The npm package deno brought no binary for this machine");
  return join(ROOT, "node_modules/@deno", found);
}

/** The command line of a TypeScript program on either runtime. */
export const onRuntime = (runtime: "bun" | "deno", file: string, ...args: string[]): string[] =>
  runtime === "bun" ? [BUN, file, ...args] : [findDeno(), "run", "--allow-all", "--no-prompt", file, ...args];

/** The address a service says it listens on. */
export async function addressOf(program: Program): Promise<string> {
  const line = await program.logLine((candidate) => candidate.message === "listening", { what: "listening" });
  return String(line.url);
}
