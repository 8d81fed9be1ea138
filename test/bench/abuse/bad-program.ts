/** Runs the misbehaving clients in a process of their own, at low priority; prints the outcomes as a log line. */
import { setPriority } from "node:os";
import { ATTACKS } from "./bad.ts";
import { PATIENCE_MS, pause, type Target } from "./bad-client.ts";

const PAUSE_MS = 1000;

const { clients, kinds, only, seconds, ...target } = JSON.parse(process.argv[2] ?? "") as Target & {
  readonly clients: number;
  readonly kinds: readonly string[];
  readonly only: readonly string[];
  readonly seconds: number;
};
setPriority(10);
const { signal } = { signal: AbortSignal.timeout(seconds * 1000) };
const outcomes: Record<string, Record<string, number>> = {};
for (const kind of only) if (kinds.includes(kind)) outcomes[kind] = {};

/** An upgrade that is refused has a status; any other failure to connect or to answer is a loss. */
function outcomeOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  const status = /server response: (\d+)/.exec(words)?.[1];
  return status === undefined ? `no answer: ${words.slice(0, 60)}` : `upgrade ${status}`;
}

async function attack(client: number): Promise<void> {
  const kind = kinds[client % kinds.length] as string;
  const counts = outcomes[kind];
  if (counts === undefined) return;
  const tally = (outcome: string) => {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  const address = `203.0.${113 + (client >> 8)}.${client & 255}`;
  while (!signal.aborted) {
    await ATTACKS[kind]?.({ ...target, address, signal, tally }).catch((error: unknown) => tally(outcomeOf(error)));
    await pause(PAUSE_MS, signal);
  }
}

const all = Promise.all(Array.from({ length: clients }, (_, client) => attack(client)));
const late = new Promise<"late">((resolve) => setTimeout(() => resolve("late"), seconds * 1000 + PATIENCE_MS + 5000));
if ((await Promise.race([all, late])) === "late") outcomes.all = { "no answer: clients that did not end": 1 };
process.stdout.write(`${JSON.stringify({ message: "ended", outcomes })}\n`, () => process.exit(0));
