/** `bun run fleet`: writes the readings of a simulated fleet, and what really happened. `--help` lists the options. */
import { runCommand } from "../command.ts";
import { writePieces } from "../output.ts";
import { type FleetArguments, parseFleetArguments, USAGE } from "./arguments.ts";
import { fleetCsv } from "./csv.ts";
import { buildLedger } from "./ledger.ts";
import { ledgerJson } from "./ledger-json.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";

async function write({ options, layout, out, ledger }: FleetArguments): Promise<void> {
  if (ledger !== null) await writePieces(ledgerJson(buildLedger(options)), ledger);
  if (out !== null) await writePieces(fleetCsv(options, layout), out);
}

const COMMAND = {
  usage: USAGE,
  parse: (args: readonly string[]) => parseFleetArguments(args, Date.now()),
  async work(parsed: FleetArguments): Promise<void> {
    await write(parsed);
    if (parsed.serve !== null) await serveUntilStopped(parsed.options, parsed.serve);
  },
};

if (import.meta.main) process.exitCode = await runCommand(COMMAND, process.argv.slice(2));
