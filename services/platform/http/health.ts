/** Reports the liveness, readiness and metrics of a service to its operator. */
import { messageOf } from "../../../schema/model/errors.ts";
import type { Availability } from "../process/availability.ts";
import type { Metrics } from "../process/metrics.ts";
import type { InternalGuard } from "./internal-guard.ts";
import { methodNotAllowed } from "./problem.ts";

export interface Health {
  readonly healthy: boolean;
  /** The unavailable dependencies by name, each with the reason, which is for the operator. Empty when healthy. */
  readonly away: Readonly<Record<string, string>>;
  /** True if the service still does useful work without its unavailable dependencies. */
  readonly isDegraded?: boolean;
}

export const STOPPING: Health = { healthy: false, away: { service: "is stopping" } };

/** Checks all parts concurrently. A part whose function rejects is unavailable. */
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

/** Returns the health with the problems of `parts` added. */
export function withOutages(
  { away: others }: Health,
  parts: Iterable<Pick<Availability, "dependency" | "problem">>,
): Health {
  const away = { ...others };
  for (const { dependency, problem } of parts) if (problem !== null) away[dependency] = problem;
  return { healthy: Object.keys(away).length === 0, away };
}

/** Calls `health`, and never rejects: if `health` throws, the service is unhealthy. */
export const askHealth = async (health: () => Promise<Health>): Promise<Health> => {
  try {
    return await health();
  } catch (error) {
    return { healthy: false, away: { health: messageOf(error) } };
  }
};

/** `/healthz`: the process is alive. `/readyz`: its required dependencies are available. */
export const PROBE_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * Returns a function that answers `/healthz`, `/readyz` and `/metrics`, and returns null for every other path.
 * @param guard refuses web pages on all three, and `/metrics` without the token
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
      guard?.refuse(request) ??
      new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } }),
  };
  return async (request) => {
    const { method } = request;
    const answer = answers[new URL(request.url).pathname];
    if (answer === undefined) return null;
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
    const response = guard?.refusePage(request) ?? (await answer(request));
    response.headers.set("cache-control", "no-store");
    return response;
  };
}
