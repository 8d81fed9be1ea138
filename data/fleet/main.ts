/** `bun run fleet`: writes the readings of a simulated fleet, and what really happened. `--help` lists the options. */
import { runCommand } from "../command.ts";
import { writePieces } from "../output.ts";
import { type FleetArguments, parseFleetArguments, type ServeArguments, USAGE } from "./arguments.ts";
import { fleetCsv } from "./csv.ts";
import { buildLedger } from "./ledger.ts";
import { ledgerJson } from "./ledger-json.ts";
import type { FleetOptions } from "./options.ts";
import { serveFleet } from "./serve.ts";

async function write({ options, layout, out, ledger }: FleetArguments): Promise<void> {
  if (ledger !== null) await writePieces(ledgerJson(buildLedger(options)), ledger);
  if (out !== null) await writePieces(fleetCsv(options, layout), out);
}

/** Serves until the simulation ends or the process is told to stop. */
async function serve(fleet: FleetOptions, { speed, ...ports }: ServeArguments): Promise<void> {
  const startedMs = performance.now();
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.resolve());
  await using server = await serveFleet({ ...ports, fleet, now: () => (performance.now() - startedMs) * speed });
  process.stdout.write(`Serving ${server.metrics.length} exporters, listed at ${server.targets}\n`);
  const end = setTimeout(() => stopped.resolve(), Math.min(fleet.durationMs / speed, MAX_TIMER_MS));
  await stopped.promise;
  clearTimeout(end);
}

/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const COMMAND = {
  usage: USAGE,
  parse: (args: readonly string[]) => parseFleetArguments(args, Date.now()),
  async work(parsed: FleetArguments): Promise<void> {
    await write(parsed);
    if (parsed.serve !== null) await serve(parsed.options, parsed.serve);
  },
};

if (import.meta.main) process.exitCode = await runCommand(COMMAND, process.argv.slice(2));
