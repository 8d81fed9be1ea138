/** The common part of all commands: arguments, lock, output, the report of a failure, and the exit code. */
import { join } from "node:path";
import { diagnose } from "./diagnosis.ts";
import { type Command, type CommandLine, parseCommandLine, usageOf } from "./run/command-line.ts";
import { readEnvironment } from "./run/environment.ts";
import type { Place } from "./run/place.ts";
import { createDryShell, createShell, type Shell } from "./run/shell.ts";
import { lock, openState, type State } from "./run/state.ts";
import { createSteps, type Steps } from "./run/steps.ts";
import { UsageError } from "./run/trouble.ts";
import { asTyped } from "./run/typed.ts";

export interface Run {
  readonly values: CommandLine["values"];
  readonly shell: Shell;
  readonly state: State;
  readonly steps: Steps;
  readonly print: (line: string) => void;
  /** Folder in which the user typed the command; paths are relative to it. */
  readonly folder: string;
  /** Sets the release whose pods the report of a failure shows. */
  reportOn(place: Place): void;
}

export interface Program extends Command {
  readonly steps: number;
  act(run: Run): Promise<void>;
}

const print = (line: string) => process.stdout.write(`${asTyped(line)}\n`);
const complain = (line: string) => process.stderr.write(`${asTyped(line)}\n`);

/** Returns the exit code: 0 done, 1 failed, 2 bad usage. */
export async function runProgram(program: Program, args: readonly string[]): Promise<number> {
  const environment = readEnvironment();
  try {
    const { values, dryRun, help } = parseCommandLine(program, args, environment.given);
    if (help) {
      print(usageOf(program));
      return 0;
    }
    return await runSteps(program, { values, dryRun, environment, typed: ["just", program.name, ...args].join(" ") });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`${error.message}\n\n${usageOf(program)}`);
    return 2;
  }
}

interface Given {
  readonly values: CommandLine["values"];
  readonly dryRun: boolean;
  readonly environment: ReturnType<typeof readEnvironment>;
  readonly typed: string;
}

async function runSteps(program: Program, { values, dryRun, environment, typed }: Given): Promise<number> {
  const state = openState(environment.stateFolder);
  const logFile = join(state.folder, `${program.name}.log`);
  const steps = createSteps({ total: program.steps, print, timed: !dryRun });
  let place: Place | null = null;
  const reportOn = (found: Place) => {
    place = found;
  };
  const common = { values, state, steps, print, folder: environment.folder, reportOn };
  if (dryRun) {
    await program.act({ ...common, shell: createDryShell(print) });
    print("\nNothing was run.");
    return 0;
  }
  const shell = createShell({ logFile });
  try {
    using _ = await lock(state);
    await program.act({ ...common, shell });
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    for (const line of await diagnose(shell, { step: steps.current, error, place, typed, logFile })) complain(line);
    if (!(error instanceof Error)) throw error;
    return 1;
  }
}
