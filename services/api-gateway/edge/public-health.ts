/** Health as everyone may read it: which parts are away, in words that name no address and no file. */
import { askHealth, type Health } from "../../platform/http/health.ts";
import type { Logger } from "../../platform/process/logger.ts";

/** What is not among these words is for the operator. */
const PUBLIC = /^(is stopping|does not answer|is not ready(: [a-z][a-z, ]*)?)$/;

/** The log has the reasons, each when it changes. */
export function createPublicHealth(health: () => Promise<Health>, log: Logger): () => Promise<Health> {
  let known: Health["away"] = {};
  return async () => {
    const { away, ...state } = await askHealth(health);
    for (const [part, reason] of Object.entries(away)) {
      if (known[part] !== reason) log.warn("part away", { part, reason });
    }
    for (const part of Object.keys(known)) if (!(part in away)) log.info("part back", { part });
    known = away;
    const words = Object.entries(away).map(([part, reason]) => [part, PUBLIC.test(reason) ? reason : "is away"]);
    return { ...state, away: Object.fromEntries(words) };
  };
}
