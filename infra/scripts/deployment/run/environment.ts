/** The environment variables that the scripts read, and those that the programs they start inherit. */
import { homedir } from "node:os";
import { join } from "node:path";

export interface Environment {
  /** Values of keys that may be set in the environment instead of as an argument. */
  readonly given: Readonly<Record<string, string>>;
  /** Folder in which the user typed the command; paths are relative to it. */
  readonly folder: string;
  /** True if `just` started the command. */
  readonly isFromJust: boolean;
  /** Folder for the state between runs: the earlier context, kind's configuration, the logs of the last runs. */
  readonly stateFolder: string;
}

export function readEnvironment(): Environment {
  const { PORT, YES, INVOKED_IN, XDG_STATE_HOME } = process.env;
  return {
    given: Object.fromEntries(Object.entries({ PORT, YES }).filter(([, value]) => value)) as Record<string, string>,
    folder: INVOKED_IN || process.cwd(),
    isFromJust: Boolean(INVOKED_IN),
    stateFolder: join(XDG_STATE_HOME || join(homedir(), ".local/state"), "gpu-telemetry"),
  };
}

/** The environment of a started program. */
export const environmentWith = (more: Readonly<Record<string, string>> = {}) => ({ ...process.env, ...more });
