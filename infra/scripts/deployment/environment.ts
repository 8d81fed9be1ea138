/** What the scripts read from the environment; the programs they start inherit it. */
import { homedir } from "node:os";
import { join } from "node:path";

export interface Environment {
  /** Keys that may be given before the command as well as behind it. */
  readonly given: Readonly<Record<string, string>>;
  /** Where the user typed the command: paths are relative to it. */
  readonly folder: string;
  /** What one run leaves for the next: forwards, the context to go back to, the log of the last run. */
  readonly stateFolder: string;
}

export function readEnvironment(): Environment {
  const { PORT, YES, INVOKED_IN, XDG_STATE_HOME } = process.env;
  return {
    given: Object.fromEntries(Object.entries({ PORT, YES }).filter(([, value]) => value)) as Record<string, string>,
    folder: INVOKED_IN || process.cwd(),
    stateFolder: join(XDG_STATE_HOME || join(homedir(), ".local/state"), "gpu-telemetry"),
  };
}

/** What a program gets that is started from here. */
export const environmentWith = (more: Readonly<Record<string, string>> = {}) => ({ ...process.env, ...more });
