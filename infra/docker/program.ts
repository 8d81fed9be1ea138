/**
 * Entry point of the image: runs the service that the first argument names, a simulated fleet, or the health check of
 * the image.
 */
import { checkHealth } from "./healthcheck.ts";

/** Each program ends the process itself. */
const PROGRAMS: ReadonlyMap<string, () => Promise<unknown>> = new Map<string, () => Promise<unknown>>([
  ["streamer", () => import("../../services/streamer/main.ts")],
  ["scraper", () => import("../../services/scraper/main.ts")],
  ["queue-service", () => import("../../services/queue-service/main.ts")],
  ["collector", () => import("../../services/collector/main.ts")],
  ["receiver", () => import("../../services/receiver/main.ts")],
  ["inventory", () => import("../../services/inventory/main.ts")],
  ["telemetry", () => import("../../services/telemetry/main.ts")],
  ["api-gateway", () => import("../../services/api-gateway/main.ts")],
  ["all-in-one", () => import("../../services/all-in-one/main.ts")],
  ["fleet", async () => (await import("./fleet.ts")).runFleet()],
  ["healthcheck", checkHealth],
]);

// The first process of a container ignores signals without a handler, and a service has none until it has loaded.
process.on("SIGTERM", () => {
  if (process.listenerCount("SIGTERM") === 1) process.exit(143);
});

const [name, ...more] = process.argv.slice(2);
const program = PROGRAMS.get(name ?? "");
if (program === undefined || more.length > 0) {
  const given = name === undefined ? "nothing" : JSON.stringify([name, ...more].join(" "));
  process.stderr.write(
    `argument must be one of ${[...PROGRAMS.keys()].join(", ")}, got ${given}; configuration is by environment\n`,
  );
  process.exit(2);
}
await program();
