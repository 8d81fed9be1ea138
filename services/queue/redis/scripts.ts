/** All scripts of a queue. */
import { claimScript } from "./claim-script.ts";
import { consumerScripts } from "./consumer-scripts.ts";
import { operatorScripts } from "./operator-scripts.ts";
import { producerScripts } from "./producer-scripts.ts";
import type { ScriptSettings } from "./script-parts.ts";

export const createScripts = (settings: ScriptSettings) => ({
  ...producerScripts(settings),
  claim: claimScript(settings),
  ...consumerScripts(settings),
  ...operatorScripts(settings),
});

export type Scripts = ReturnType<typeof createScripts>;
