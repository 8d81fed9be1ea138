/** What a person needs who sees a step fail: the command, its last words, the pods, events, a log, and what to type. */
import { kubectl, LOCAL, type Place } from "./place.ts";
import { type Pod, readPods, waitedFor } from "./pods.ts";
import { CommandFailed, type Shell, shown } from "./shell.ts";
import { Trouble } from "./trouble.ts";

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
    return [`${describe}     # says which image could not be pulled, and why`, typed];
  }
  if (state === "Unschedulable") return [`${describe}     # says what the nodes have too little of`];
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
  lines.push("", `${name} is not ready (${blamed.state}). The end of its log:`);
  lines.push(...(logs.length > 0 ? logs : ["(it has none)"]));
  return { lines, next: adviseFor(blamed, place, typed) };
}

export interface Failure {
  readonly step: string;
  readonly error: unknown;
  /** null: there is no cluster to look at yet. */
  readonly place: Place | null;
  /** What the user typed. */
  readonly typed: string;
  readonly logFile: string;
}

/** The report, line by line. */
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
  lines.push("", "Next:", ...new Set(next.map((command) => `  ${command}`)), "", `Everything that was run: ${logFile}`);
  return lines;
}
