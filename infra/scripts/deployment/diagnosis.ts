/** The report of a failed step: the command and its last output, pods, events, a log, and the commands to try next. */

import { type Pod, readPods, waitedFor } from "./release/pods.ts";
import { kubectl, LOCAL, type Place } from "./run/place.ts";
import { CommandFailed, type Shell, shown } from "./run/shell.ts";
import { Trouble } from "./run/trouble.ts";

const OUTPUT_LINES = 20;
const EVENTS = 10;
const LOG_LINES = 20;

const lastLines = (text: string, count: number): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .slice(-count);

function adviseFor({ name, state }: Pod, place: Place, typed: string): readonly string[] {
  const isLocal = place.context === LOCAL.context && place.namespace === LOCAL.namespace;
  const where = isLocal ? "" : ` CONTEXT=${place.context} NAMESPACE=${place.namespace}`;
  const app = name.replace(/-\d+$|-[a-z0-9]+-[a-z0-9]+$/, "");
  const words = ["describe", "pod", name];
  const describe = shown(isLocal ? ["kubectl", ...words] : kubectl(place, ...words));
  if (/ImagePull|ErrImage|InvalidImage/.test(state)) {
    return [`${describe}     # shows which image could not be pulled, and why`, typed];
  }
  if (state === "Unschedulable") return [`${describe}     # shows which resource the nodes lack`];
  if (/CrashLoop|Error|OOMKilled/.test(state)) return [`just logs ${app} --previous${where}`, describe];
  return [`just logs ${app}${where}`, `just status${where}`];
}

async function describePods(
  shell: Shell,
  place: Place,
  typed: string,
): Promise<{ lines: string[]; next: readonly string[] }> {
  const pods = await readPods(shell, place);
  if (pods === null || pods.length === 0) return { lines: [], next: [] };
  const ask = async (...args: string[]) => (await shell.ask(kubectl(place, ...args)))?.stdout ?? "";
  const lines = ["", "Pods:", ...lastLines(await ask("get", "pods"), 30)];
  const events = lastLines(await ask("get", "events", "--sort-by=.lastTimestamp"), EVENTS);
  if (events.length > 0) lines.push("", "Last events:", ...events);
  const [blamed] = waitedFor(pods);
  if (blamed === undefined) return { lines, next: [] };
  const { name, container, restarts } = blamed;
  const which = restarts > 0 ? ["--previous"] : [];
  const logs = lastLines(await ask("logs", name, "--container", container, `--tail=${LOG_LINES}`, ...which), LOG_LINES);
  lines.push("", `${name} is not ready (${blamed.state}). Its last log lines:`);
  lines.push(...(logs.length > 0 ? logs : ["(empty)"]));
  return { lines, next: adviseFor(blamed, place, typed) };
}

export interface Failure {
  readonly step: string;
  readonly error: unknown;
  /** null if the step failed before there was a cluster. */
  readonly place: Place | null;
  /** The command that the user typed. */
  readonly typed: string;
  readonly logFile: string;
}

/** Returns the lines of the report. */
export async function diagnose(shell: Shell, { step, error, place, typed, logFile }: Failure): Promise<string[]> {
  const lines = ["", `FAILED: ${step || typed}`];
  const next: string[] = [];
  if (error instanceof CommandFailed) {
    lines.push(error.message, "", `  ${shown(error.command)}`, "");
    lines.push(...lastLines(error.outcome.stdout + error.outcome.stderr, OUTPUT_LINES).map((line) => `  | ${line}`));
  } else {
    const isOurs = error instanceof Trouble;
    lines.push(isOurs ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error));
    if (isOurs) next.push(...error.next);
  }
  if (place !== null) {
    const pods = await describePods(shell, place, typed);
    lines.push(...pods.lines);
    next.push(...pods.next);
  }
  if (next.length === 0) next.push(typed);
  lines.push("", "Next:", ...new Set(next.map((command) => `  ${command}`)), "", `Log of all commands: ${logFile}`);
  return lines;
}
