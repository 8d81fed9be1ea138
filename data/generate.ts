/** `bun run sample`: writes the readings of a simulated fleet as CSV. `--help` lists the options. */
import { fileURLToPath } from "node:url";
import { type GeneratorArguments, parseArguments, USAGE } from "./arguments.ts";
import { runCommand } from "./command.ts";
import { writePieces } from "./output.ts";
import { simulate } from "./simulation.ts";

const SAMPLE = fileURLToPath(new URL("sample.csv.gz", import.meta.url));

const COMMAND = {
  usage: USAGE,
  parse: parseArguments,
  work: (options: GeneratorArguments) => writePieces(simulate(options), options.out ?? SAMPLE),
};

if (import.meta.main) process.exitCode = await runCommand(COMMAND, process.argv.slice(2));
