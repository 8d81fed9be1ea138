/** Opens the sources of a configuration. Programs call it when they start; all other code uses the port. */
import type { Clock } from "../platform/process/clock.ts";
import type { SourcesConfig } from "./config.ts";
import { openFiles } from "./files/files.ts";
import type { Sources } from "./port.ts";

export const openSources = (
  { paths, copies, labels, timeZone, host }: SourcesConfig,
  { clock }: { clock: Clock },
): Sources => openFiles(paths, { clock, copies, labels, timeZone, host });
