/** One run: well-behaved clients alone, then beside misbehaving ones, and what each process takes meanwhile. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { NumberedFleet } from "../../support/chaos/numbered-fleet.ts";
import { BUN, ROOT, startProgram } from "../../support/programs/process.ts";
import { cpuSeconds, peakBytes } from "../proc.ts";
import { type GoodFigures, runGood } from "./good.ts";
import type { Wiring } from "./wirings.ts";

export interface AbuseSize {
  /** Number of well-behaved clients. */
  readonly good: number;
  /** Number of misbehaving clients, in equal parts of `kinds`. */
  readonly bad: number;
  readonly kinds: readonly string[];
  /** Kinds of `kinds` that take part; the clients of the others do nothing. */
  readonly only: readonly string[];
  readonly seconds: number;
}

/** How often each outcome came, by kind. */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface ProcessFigures {
  /** Peak of resident memory, bytes. */
  readonly peak: number;
  readonly limitMiB: number;
  /** Duration of each answer of /healthz, ms. */
  readonly healthMs: readonly number[];
  /** CPU time under abuse. */
  readonly cpuSeconds: number;
}

export interface AbuseFigures {
  readonly quiet: GoodFigures;
  readonly under: GoodFigures;
  readonly outcomes: Outcomes;
  readonly processes: Readonly<Record<string, ProcessFigures>>;
  /** CPU time of the clients under abuse: they share the cores with the services. */
  readonly clientSeconds: { readonly good: number; readonly bad: number };
}

const HEALTH_EVERY_MS = 100;
/** Longer than the misbehaving clients may take to end. */
const END_MS = 90_000;

/** Stores a fleet with the given number of readings, 25 series of each GPU. */
export async function storeFleet(
  folder: string,
  store: string,
  size: { readonly readings: number; readonly gpus: number },
): Promise<readonly string[]> {
  const fleet = NumberedFleet.of({ ...size, seed: 7 });
  await mkdir(folder);
  await fleet.write(folder, 1);
  await using ingest = startProgram([BUN, "services/all-in-one/ingest.ts", folder], { SQLITE_PATH: store });
  if ((await ingest.exited) !== 0) throw new Error(`The fleet could not be stored: ${ingest.output.stderr}`);
  return fleet.gpus.map((gpu) => fleet.uuid(gpu));
}

/** Asks for /healthz until stopped; returns the durations, ms. */
function watchHealth(url: string): () => Promise<number[]> {
  const durations: number[] = [];
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/healthz`).catch(() => null);
      durations.push(answer?.ok ? performance.now() - startedAt : Number.POSITIVE_INFINITY);
      await new Promise((resolve) => setTimeout(resolve, HEALTH_EVERY_MS));
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    return durations;
  };
}

export async function measureAbuse(
  wiring: Wiring,
  uuids: readonly string[],
  { good, bad, kinds, only, seconds }: AbuseSize,
): Promise<AbuseFigures> {
  const { url } = wiring.target;
  const clients = { clients: good, uuids };
  await runGood(url, { ...clients, seconds: Math.max(1, seconds / 10) });
  const quiet = await runGood(url, { ...clients, seconds: Math.max(2, seconds / 3) });
  const spec = JSON.stringify({ ...wiring.target, uuids, clients: bad, kinds, only, seconds });
  await using attackers = startProgram([BUN, join(ROOT, "test/bench/abuse/bad-program.ts"), spec]);
  const watches = Object.entries(wiring.processes).map(([name, { pid, url: address, limitMiB }]) => {
    return { name, pid, limitMiB, cpuBefore: cpuSeconds(pid), stop: watchHealth(address) };
  });
  const ownBefore = cpuSeconds(process.pid);
  const under = await runGood(url, { ...clients, seconds });
  const clientSeconds = { good: cpuSeconds(process.pid) - ownBefore, bad: cpuSeconds(attackers.pid) };
  const cpu = watches.map(({ pid, cpuBefore }) => cpuSeconds(pid) - cpuBefore);
  const health = await Promise.all(watches.map(({ stop }) => stop()));
  const ended = await attackers.logLine(({ message }) => message === "ended", {
    what: "the end of the misbehaving clients",
    deadlineMs: seconds * 1000 + END_MS,
  });
  // Read at the end, so that it has what the last attacks took.
  const processes = watches.map(({ name, pid, limitMiB }, index) => {
    const figures = { peak: peakBytes(pid) ?? 0, limitMiB, healthMs: health[index] ?? [], cpuSeconds: cpu[index] ?? 0 };
    return [name, figures] as const;
  });
  const outcomes = ended.outcomes as Outcomes;
  return { quiet, under, outcomes, processes: Object.fromEntries(processes), clientSeconds };
}

/** Requests and messages that got neither an answer nor a code, by kind. */
export function lossesOf(outcomes: Outcomes): string[] {
  return Object.entries(outcomes).flatMap(([kind, counts]) =>
    Object.entries(counts)
      .filter(([outcome]) => /^no answer|closed (-1|1006)$/.test(outcome))
      .map(([outcome, times]) => `${kind}: ${outcome} × ${times}`),
  );
}
