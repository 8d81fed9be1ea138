/** Runs the misbehaving clients in a process of their own, at low priority; prints the outcomes as JSON. */
import { setPriority } from "node:os";
import { ATTACKS, type Target } from "./bad.ts";

const PAUSE_MS = 1000;

const { clients, kinds, seconds, ...target } = JSON.parse(process.argv[2] ?? "") as Target & {
  readonly clients: number;
  readonly kinds: readonly string[];
  readonly seconds: number;
};
setPriority(10);
const { signal } = { signal: AbortSignal.timeout(seconds * 1000) };
const outcomes: Record<string, Record<string, number>> = {};
const attacks = Object.entries(ATTACKS);

async function attack(client: number): Promise<void> {
  const [kind, round] = attacks[client % attacks.length] as (typeof attacks)[number];
  if (!kinds.includes(kind)) return;
  outcomes[kind] ??= {};
  const counts = outcomes[kind];
  const tally = (outcome: string) => {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  const address = `203.0.113.${client + 1}`;
  while (!signal.aborted) {
    await round({ ...target, address, signal, tally }).catch((error: unknown) => {
      if (!signal.aborted) tally(`refused: ${error instanceof Error ? error.message.slice(0, 60) : error}`);
    });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

await Promise.race([
  Promise.all(Array.from({ length: clients }, (_, client) => attack(client))),
  new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 5000)),
]);
process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
