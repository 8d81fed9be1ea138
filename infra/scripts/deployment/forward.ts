/**
 * Keeps `kubectl port-forward` running: it ends with the pod it reached, and hangs when its connection does. Runs beside
 * the user's shell until it is told to stop, or until its context is gone from the kubeconfig.
 *
 * It says where it is to be reached in a file of its own, `{pid, control, word, port, place}`: GET control/WORD/status
 * tells how it fares, POST control/WORD/stop ends it. Whoever has the word may; a pid alone may be another program's by
 * then.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl, type Place } from "./place.ts";
import { openState } from "./state.ts";

export interface ForwardOptions {
  readonly place: Place;
  /** Of localhost. */
  readonly port: number;
  readonly stateFolder: string;
  readonly file: string;
  readonly word: string;
}

/** What the file says. */
export interface ForwardRecord {
  readonly pid: number;
  readonly control: string;
  readonly word: string;
  readonly port: number;
  readonly place: Place;
}

/** What it says about itself. */
export interface ForwardStatus {
  readonly since: string;
  readonly restarts: number;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** After so long without an end, the next end counts as the first. */
const STEADY_MS = 30_000;
const PROBE_MS = 5000;
const PROBE_LIMIT_MS = 3000;
/** Probes in a row without an answer after which it is started again: when it has answered, and when it never has. */
const SILENT_PROBES = { answered: 3, never: 12 };
/** Ends in a row after which it looks whether there is still a cluster to reach. */
const ENDS_BEFORE_DOUBT = 5;

const log = (message: string) => process.stdout.write(`${new Date().toISOString()} ${message}\n`);

async function answersAt(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** Kills a forward through which nothing comes. */
async function watchSilence(child: ChildProcess, port: number, signal: AbortSignal): Promise<void> {
  let answered = false;
  let silent = 0;
  while (!signal.aborted) {
    const heard = await answersAt(port);
    if (signal.aborted) return;
    answered ||= heard;
    silent = heard ? 0 : silent + 1;
    if (silent === (answered ? SILENT_PROBES.answered : SILENT_PROBES.never)) {
      log("no answer through it: starting it again");
      child.kill("SIGKILL");
      return;
    }
    await sleep(PROBE_MS, undefined, { signal }).catch(() => {});
  }
}

/** Until its context is gone or `signal` fires. */
async function keepForwarding({ place, port }: ForwardOptions, signal: AbortSignal, onRestart: () => void) {
  const command = kubectl(place, "port-forward", "service/api-gateway", `${port}:8080`);
  for (let ends = 0; !signal.aborted; onRestart()) {
    const startedAt = performance.now();
    const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new AbortController();
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-500);
    });
    const watched = watchSilence(child, port, ended.signal);
    const how = await Promise.race([once(child, "close"), once(child, "error")]).then(([what]) => what, String);
    ended.abort();
    signal.removeEventListener("abort", stop);
    await watched;
    if (signal.aborted) return;
    ends = performance.now() - startedAt > STEADY_MS ? 1 : ends + 1;
    log(`kubectl port-forward ended (${how}): ${said.trim()}`);
    if (ends >= ENDS_BEFORE_DOUBT && (await isGone(place))) {
      log(`context ${place.context} is gone: nothing is left to forward to`);
      return;
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (ends - 1)) * (0.75 + Math.random() / 2);
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
}

async function isGone(place: Place): Promise<boolean> {
  const [program, ...words] = kubectl(place, "config", "get-contexts", place.context);
  const child = spawn(program, words, { stdio: "ignore", timeout: 10_000 });
  const [code] = await once(child, "close").catch(() => [null]);
  return code === 1;
}

async function listen(word: string, status: () => ForwardStatus, stop: () => void): Promise<Server> {
  const server = createServer((request, response) => {
    const asked = `${request.method} ${request.url}`;
    if (asked === `GET /${word}/status`) response.end(JSON.stringify(status()));
    else if (asked === `POST /${word}/stop`) response.end("stopping", stop);
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function forward(options: ForwardOptions): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stopping.abort());
  const since = new Date().toISOString();
  let restarts = 0;
  const server = await listen(
    options.word,
    () => ({ since, restarts }),
    () => stopping.abort(),
  );
  const { port, place, word } = options;
  const control = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const record: ForwardRecord = { pid: process.pid, control, word, port, place };
  const state = openState(options.stateFolder);
  await state.write(options.file, JSON.stringify(record));
  log(`forwarding localhost:${port} to ${place.context}, namespace ${place.namespace}`);
  await keepForwarding(options, stopping.signal, () => restarts++);
  log("stopped");
  const current = await state.read(options.file);
  if (current !== null && (JSON.parse(current) as ForwardRecord).word === word) await state.forget(options.file);
  server.close();
  server.closeAllConnections();
}

if (import.meta.main) await forward(JSON.parse(process.argv[2]!) as ForwardOptions);
