/** `bun run fleet`: writes the readings of a simulated fleet, and what really happened. `--help` lists the options. */
import { UsageError } from "../arguments.ts";
import { writePieces } from "../output.ts";
import { parseFleetArguments, USAGE } from "./arguments.ts";
import { fleetCsv } from "./csv.ts";
import { buildLedger } from "./ledger.ts";
import { ledgerJson } from "./ledger-json.ts";

/** @returns the exit code: 0 success, 1 a file cannot be written, 2 bad usage */
async function run(args: readonly string[]): Promise<number> {
  try {
    const parsed = parseFleetArguments(args);
    if (parsed === "help") {
      process.stdout.write(USAGE);
      return 0;
    }
    const { options, layout, out, ledger } = parsed;
    if (ledger !== null) await writePieces(ledgerJson(buildLedger(options)), ledger);
    if (out !== null) await writePieces(fleetCsv(options, layout), out);
    return 0;
  } catch (error) {
    // EPIPE means that the reader of a pipe, such as head(1), has read enough.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return 0;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write(`\n${USAGE}`);
    return 2;
  }
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2));
