/** What a service says of itself to whoever runs it: alive, ready, and its metrics. */
import { messageOf } from "../../../schema/model/errors.ts";
import type { Availability } from "../process/availability.ts";
import type { Metrics } from "../process/metrics.ts";
import { type InternalGuard, internalTokenMissing } from "./internal-token.ts";
import { methodNotAllowed } from "./problem.ts";

export interface Health {
  readonly healthy: boolean;
  /** What is away, by name, in words for the operator; empty when healthy. */
  readonly away: Readonly<Record<string, string>>;
  /** True: what is not away is of use without the rest. */
  readonly isDegraded?: boolean;
}

export const STOPPING: Health = { healthy: false, away: { service: "is stopping" } };

/** Asks all parts at once, each by a call that throws when it is away. */
export async function healthOf(parts: Readonly<Record<string, () => Promise<unknown>>>): Promise<Health> {
  const problems = await Promise.all(
    Object.entries(parts).map(([name, part]) =>
      part().then(
        () => [],
        (error: unknown) => [[name, messageOf(error)] as const],
      ),
    ),
  );
  const away = Object.fromEntries(problems.flat());
  return { healthy: Object.keys(away).length === 0, away };
}

/** The health with what is unavailable added to it. */
export function withOutages(
  { away: others }: Health,
  parts: Iterable<Pick<Availability, "dependency" | "problem">>,
): Health {
  const away = { ...others };
  for (const { dependency, problem } of parts) if (problem !== null) away[dependency] = problem;
  return { healthy: Object.keys(away).length === 0, away };
}

/** Never rejects: a question that fails is an answer, too. */
export const askHealth = async (health: () => Promise<Health>): Promise<Health> => {
  try {
    return await health();
  } catch (error) {
    return { healthy: false, away: { health: messageOf(error) } };
  }
};

/** `/healthz`: the process lives. `/readyz`: its dependencies answer, or those that it is of use with. */
export const PROBE_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * Answers `/healthz`, `/readyz` and `/metrics`; null for every other path.
 * @param guard whom `/metrics` is for; probes are for everyone
 */
export function createProbes({
  metrics,
  health,
  guard,
}: {
  metrics: Metrics;
  health: () => Promise<Health>;
  guard?: InternalGuard | undefined;
}): (request: Request) => Promise<Response | null> {
  const answers: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    "/healthz": async () => Response.json({ status: "alive" }),
    "/readyz": async () => {
      const { healthy, away, isDegraded = false } = await askHealth(health);
      if (healthy) return Response.json({ status: "ready" });
      return isDegraded
        ? Response.json({ status: "ready", degraded: away })
        : Response.json({ status: "not ready", dependencies: away }, { status: 503 });
    },
    "/metrics": async (request) =>
      guard === undefined || guard.allows(request)
        ? new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } })
        : internalTokenMissing(),
  };
  return async (request) => {
    const { method } = request;
    const answer = answers[new URL(request.url).pathname];
    if (answer === undefined) return null;
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
    const response = await answer(request);
    response.headers.set("cache-control", "no-store");
    return response;
  };
}
