/** `bun run start [FILE…]`: runs the whole pipeline in one process, over the sample or the named files. */
import { parseCommandLine } from "../platform/process/command-line.ts";
import { START_USAGE } from "./usage.ts";

const given = parseCommandLine(process.argv.slice(2), []);
if (typeof given === "string") {
  process.stderr.write(`${given}\n\n${START_USAGE}`);
  process.exit(2);
}
if (given.wantsHelp) {
  process.stdout.write(START_USAGE);
  process.exit(0);
}
const { start } = await import("./start-program.ts");
await start(given.files);
