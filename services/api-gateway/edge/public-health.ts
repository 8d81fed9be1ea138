/** Answers `/health` to everyone: names the unavailable parts, with reasons that reveal no address and no file name. */
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { askHealth, type Health } from "../../platform/http/health.ts";
import { methodNotAllowed } from "../../platform/http/problem.ts";
import { Availability } from "../../platform/process/availability.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";

export const HEALTH_PATH = "/health";

/** Reasons that may be shown. Any other is replaced by "is unavailable". */
const PUBLIC = /^(is stopping|does not answer|is not ready(: [a-z][a-z, ]*)?)$/;

interface Parts {
  readonly log: Logger;
  readonly clock: Clock;
}

/** What SQLite and the system say when a disk is full, in the reasons of any part. */
const DISK_FULL = /disk is full|no space left/i;

function publicReason(reason: string): string {
  if (PUBLIC.test(reason)) return reason;
  return DISK_FULL.test(reason) ? "cannot write: the disk is full" : "is unavailable";
}

/** Replaces reasons that must not be shown. The log gets one line for each outage of a part, with the real reason. */
export function createPublicHealth(health: () => Promise<Health>, { log, clock }: Parts): () => Promise<Health> {
  const parts = new Map<string, Availability>();
  return async () => {
    const { away, ...state } = await askHealth(health);
    for (const [name, reason] of Object.entries(away)) {
      const part = parts.get(name) ?? new Availability(name, { log, clock });
      parts.set(name, part);
      part.down(reason);
    }
    for (const [name, part] of parts) if (!(name in away)) part.up();
    const reasons = Object.entries(away).map(([name, reason]) => [name, publicReason(reason)]);
    return { ...state, away: Object.fromEntries(reasons) };
  };
}

export async function answerHealth(
  { method }: Request,
  { health, clock }: { health: () => Promise<Health>; clock: Clock },
): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
  const { healthy, away } = await health();
  const timestamp = formatTimestamp(clock.now());
  const body = healthy ? { status: "healthy", timestamp } : { status: "unhealthy", timestamp, dependencies: away };
  return Response.json(body, { status: healthy ? 200 : 503, headers: { "cache-control": "no-store" } });
}
