/** Generates load with wrk in its own process: one thread that keeps 16 connections busy. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpuSeconds } from "../proc.ts";

export interface Question {
  /** Path and query. */
  readonly path: string;
  /** GraphQL query, sent by POST. Without it the request is a GET. */
  readonly query?: string;
  /** Lua expression that gives each request another path. */
  readonly variedPath?: string;
}

/** `cpuUs`: CPU time of all servers involved, per request. */
export type LoadFigures = Readonly<Record<"perS" | "p50Ms" | "p99Ms" | "cpuUs", number>>;

export interface Asked {
  readonly url: string;
  /** The processes that take part in an answer. */
  readonly pids: readonly number[];
}

const CONNECTIONS = 16;

/** @throws Error that says how to install wrk */
export function findWrk(): string {
  const found = Bun.which("wrk");
  if (found !== null) return found;
  throw new Error("wrk is not installed: apt-get install wrk");
}

const UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** @throws Error when the text has no such line */
function readLatency(text: string, share: string): number {
  const [, value, unit = ""] = new RegExp(`^\\s+${share}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, "m").exec(text) ?? [];
  if (value === undefined) throw new Error(`wrk printed no ${share}% latency:\n${text}`);
  return Number(value) * (UNITS_MS[unit] ?? Number.NaN);
}

/** @throws Error when an answer is not 2xx, or when there is none */
function readWrk(text: string) {
  const trouble = /^\s*(Non-2xx or 3xx responses|Socket errors): .*$/m.exec(text)?.[0];
  if (trouble !== undefined) throw new Error(`Some requests failed: ${trouble.trim()}`);
  const perS = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1]);
  if (!(perS > 0)) throw new Error(`wrk counted no requests:\n${text}`);
  const requests = Number(/^\s*(\d+) requests in /m.exec(text)?.[1]);
  return { requests, perS, p50Ms: readLatency(text, "50"), p99Ms: readLatency(text, "99") };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

const luaOf = ({ query, variedPath }: Question): string => {
  if (variedPath !== undefined) return `request = function() return wrk.format("GET", ${variedPath}) end\n`;
  if (query === undefined) return "";
  const body = JSON.stringify(JSON.stringify({ query }));
  return `wrk.method = "POST"\nwrk.body = ${body}\nwrk.headers["content-type"] = "application/json"\n`;
};

export async function load(
  question: Question,
  { url, pids }: Asked,
  { seconds, folder, signal }: { seconds: number; folder: string; signal: AbortSignal },
): Promise<LoadFigures> {
  const script = join(folder, "question.lua");
  await writeFile(script, luaOf(question));
  const options = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", "--timeout", "10s", "-s", script];
  const cpuBefore = sum(pids.map(cpuSeconds));
  const wrk = Bun.spawn([findWrk(), ...options, url + question.path], { stdout: "pipe", stderr: "pipe", signal });
  const [text, complaint] = await Promise.all([new Response(wrk.stdout).text(), new Response(wrk.stderr).text()]);
  signal.throwIfAborted();
  if ((await wrk.exited) !== 0) throw new Error(`wrk failed: ${complaint}`);
  const { requests, ...figures } = readWrk(text);
  return { ...figures, cpuUs: ((sum(pids.map(cpuSeconds)) - cpuBefore) * 1e6) / requests };
}
