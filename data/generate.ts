/** `bun run sample`: writes the readings of a simulated fleet as CSV. `--help` lists the options. */
import { fileURLToPath } from "node:url";
import { parseArguments, USAGE, UsageError } from "./arguments.ts";
import { writePieces } from "./output.ts";
import { simulate } from "./simulation.ts";

const SAMPLE = fileURLToPath(new URL("sample.csv.gz", import.meta.url));

/** @returns the exit code: 0 success, 1 the file cannot be written, 2 bad usage */
async function generate(args: readonly string[]): Promise<number> {
  try {
    const options = parseArguments(args);
    if (options === "help") {
      process.stdout.write(USAGE);
      return 0;
    }
    await writePieces(simulate(options), options.out ?? SAMPLE);
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

if (import.meta.main) process.exitCode = await generate(process.argv.slice(2));
