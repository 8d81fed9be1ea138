/** Forwards that run beside the user's shell: started, asked how they fare, ended. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ForwardOptions, ForwardRecord, ForwardStatus } from "./forward.ts";
import type { Place } from "./place.ts";
import { checkPort } from "./prerequisites.ts";
import type { State } from "./state.ts";
import { Trouble } from "./trouble.ts";

const PROGRAM = fileURLToPath(new URL("forward.ts", import.meta.url));
const CONTROL_MS = 3000;
const END_MS = 15_000;
const START_MS = 60_000;
const POLL_MS = 50;

export interface Forward extends ForwardStatus {
  readonly record: ForwardRecord;
  readonly file: string;
}

/** One for each context: contexts are named by people and clouds, with signs that files cannot have. */
const fileOf = ({ context }: Place) => `forward-${context.replace(/[^\w.-]/g, "_")}.json`;
const logOf = (state: State, place: Place) => join(state.folder, fileOf(place).replace(/json$/, "log"));

async function ask(record: ForwardRecord, method: string, what: string): Promise<Response | null> {
  const url = `${record.control}/${record.word}/${what}`;
  const response = await fetch(url, { method, signal: AbortSignal.timeout(CONTROL_MS) }).catch(() => null);
  return response?.ok === true ? response : null;
}

async function readForward(state: State, file: string): Promise<Forward | null> {
  const text = await state.read(file);
  if (text === null) return null;
  const record = JSON.parse(text) as ForwardRecord;
  const response = await ask(record, "GET", "status");
  if (response === null) {
    // It was killed, or the machine was: nobody else writes to the file.
    await state.forget(file);
    return null;
  }
  return { ...((await response.json()) as ForwardStatus), record, file };
}

/** Those that run. */
export async function findForwards(state: State): Promise<Forward[]> {
  mkdirSync(state.folder, { recursive: true });
  const files = readdirSync(state.folder).filter((name) => /^forward-.*\.json$/.test(name));
  const found = await Promise.all(files.map((file) => readForward(state, file)));
  return found.filter((forward) => forward !== null);
}

const waitUntil = async (isSo: () => Promise<boolean>, limitMs: number): Promise<boolean> => {
  const deadline = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
};

/** Resolves when its process and its kubectl have ended. */
export async function endForward(state: State, { record, file }: Forward): Promise<void> {
  await ask(record, "POST", "stop");
  if (await waitUntil(async () => (await state.read(file)) === null, END_MS)) return;
  throw new Trouble(`The forward of port ${record.port} (process ${record.pid}) does not end`, {
    next: [`kill -9 ${record.pid}`],
  });
}

const isSamePlace = (a: Place, b: Place) => a.context === b.context && a.namespace === b.namespace;

/**
 * The port is free, or held by a forward of our own to the same place, which is kept or replaced.
 * @throws Trouble when somebody else holds it
 */
export async function checkForwardPort(state: State, place: Place, port: number, command: string): Promise<void> {
  const holder = (await findForwards(state)).find(({ record }) => record.port === port);
  if (holder === undefined) return checkPort(port, command);
  if (holder.record.place.context === place.context) return;
  throw new Trouble(`Port ${port} is forwarded to ${holder.record.place.context}`, {
    next: [
      `${command} PORT=${port + 1}`,
      "just down     # ends every forward, and the kind cluster where there is one",
    ],
  });
}

/**
 * Resolves when the forwarded service answers.
 * @returns what became of it
 * @throws Trouble with the end of its log when nothing does
 */
export async function ensureForward(state: State, place: Place, port: number): Promise<string> {
  const file = fileOf(place);
  const running = await readForward(state, file);
  if (running?.record.port === port && isSamePlace(running.record.place, place)) {
    await answering(state, place, port);
    return `http://localhost:${port} is forwarded since ${running.since}`;
  }
  if (running !== null) await endForward(state, running);
  const options: ForwardOptions = { place, port, stateFolder: state.folder, file, word: crypto.randomUUID() };
  mkdirSync(state.folder, { recursive: true });
  const out = openSync(logOf(state, place), "a");
  // A process group of its own: Ctrl-C in this terminal is not for it.
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
    cwd: state.folder,
    detached: true,
    stdio: ["ignore", out, out],
  });
  child.unref();
  closeSync(out);
  await answering(state, place, port);
  return `http://localhost:${port}, and again whenever its pod changes; log: ${logOf(state, place)}`;
}

async function answering(state: State, place: Place, port: number): Promise<void> {
  const answers = async () => {
    if ((await state.read(fileOf(place))) === null) return false;
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(CONTROL_MS) }).catch(
      () => null,
    );
    return response?.ok === true;
  };
  if (await waitUntil(answers, START_MS)) return;
  const log = (await state.read(fileOf(place).replace(/json$/, "log"))) ?? "";
  const end = log.trimEnd().split("\n").slice(-5).join("\n");
  throw new Trouble(`Nothing answers on http://localhost:${port} within ${START_MS / 1000} s:\n${end}`, {
    next: ["just status", "just logs api-gateway"],
  });
}
