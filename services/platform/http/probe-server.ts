/** Listens for a service whose only HTTP paths are probes and metrics. */
import type { Logger } from "../process/logger.ts";
import type { Metrics } from "../process/metrics.ts";
import { createProbes, type Health } from "./health.ts";
import { createInternalGuard } from "./internal-guard.ts";
import { type Listener, listen } from "./listen.ts";
import type { ListenConfig } from "./listen-config.ts";
import { problemOf } from "./problem.ts";

/**
 * Answers `/healthz`, `/readyz` and `/metrics` until disposed, and logs its address.
 * @throws AppError `unavailable` when the address is taken
 */
export async function listenForProbes(
  { port, host: hostname }: ListenConfig,
  { log, metrics, health }: { log: Logger; metrics: Metrics; health: () => Promise<Health> },
): Promise<Listener> {
  const probes = createProbes({ metrics, health, guard: createInternalGuard({ token: null, host: hostname }) });
  const fetch = async (request: Request) =>
    (await probes(request)) ?? problemOf("not_found", `Nothing is at ${new URL(request.url).pathname}`);
  const listener = await listen({ port, hostname, fetch, log });
  log.info("listening", { url: listener.url });
  return listener;
}
