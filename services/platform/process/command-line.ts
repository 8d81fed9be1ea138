/** Parses the arguments of a program: flags and files. Imports no package, so that `--help` works before an install. */
import { shown } from "../../../schema/model/shown.ts";
import { resembling } from "./resembling.ts";

export interface CommandLine<Flag extends string> {
  readonly flags: ReadonlySet<Flag>;
  /** Arguments that are no flags, in their order. `-` alone counts as a file, and so does all that follows `--`. */
  readonly files: readonly string[];
  readonly wantsHelp: boolean;
}

const HELP = ["--help", "-h"];

/** Returns the arguments, or a message that names the first unknown option and the option that was probably meant. */
export function parseCommandLine<const Flag extends `--${string}`>(
  args: readonly string[],
  accepted: readonly Flag[],
): CommandLine<Flag> | string {
  const flags = new Set<Flag>();
  const files: string[] = [];
  let wantsHelp = false;
  const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  for (const argument of options) {
    const flag = accepted.find((each) => each === argument);
    if (HELP.includes(argument)) wantsHelp = true;
    else if (flag !== undefined) flags.add(flag);
    else if (argument === "-" || !argument.startsWith("-")) files.push(argument);
    else {
      const meant = resembling(argument, [...accepted, "--help"]);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      return `option must be one of ${[...accepted, "--help"].join(", ")}, got ${shown(argument)}${hint}`;
    }
  }
  files.push(...args.slice(options.length + 1));
  return { flags, files, wantsHelp };
}
