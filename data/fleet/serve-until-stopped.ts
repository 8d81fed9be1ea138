/** Serves a fleet until its simulation ends or the process is told to stop. */
import type { FleetOptions } from "./options.ts";
import { type ServeOptions, serveFleet } from "./serve.ts";

/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export async function serveUntilStopped(
  fleet: FleetOptions,
  { speed, ...ports }: Omit<ServeOptions, "fleet" | "now"> & { readonly speed: number },
): Promise<void> {
  const startedMs = performance.now();
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.resolve());
  await using server = await serveFleet({ ...ports, fleet, now: () => (performance.now() - startedMs) * speed });
  process.stdout.write(`Serving ${server.metrics.length} exporters, listed at ${server.targets}\n`);
  const end = setTimeout(() => stopped.resolve(), Math.min(fleet.durationMs / speed, MAX_TIMER_MS));
  await stopped.promise;
  clearTimeout(end);
}
