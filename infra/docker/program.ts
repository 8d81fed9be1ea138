/** What the image runs: the service that the first argument names, or the image's own health check. */
import { checkHealth } from "./healthcheck.ts";

/** Each ends the process itself. */
const PROGRAMS: ReadonlyMap<string, () => Promise<unknown>> = new Map([
  ["streamer", () => import("../../services/streamer/main.ts")],
  ["queue-service", () => import("../../services/queue-service/main.ts")],
  ["collector", () => import("../../services/collector/main.ts")],
  ["inventory", () => import("../../services/inventory/main.ts")],
  ["telemetry", () => import("../../services/telemetry/main.ts")],
  ["api-gateway", () => import("../../services/api-gateway/main.ts")],
  ["all-in-one", () => import("../../services/all-in-one/main.ts")],
  ["healthcheck", checkHealth],
]);

// The first process of a container ignores what it has not asked for, and a service asks once it has loaded.
process.on("SIGTERM", () => {
  if (process.listenerCount("SIGTERM") === 1) process.exit(143);
});

const [name, ...more] = process.argv.slice(2);
const program = PROGRAMS.get(name ?? "");
if (program === undefined || more.length > 0) {
  const given = name === undefined ? "nothing" : JSON.stringify([name, ...more].join(" "));
  process.stderr.write(
    `Cannot start ${given}: accepted is one of ${[...PROGRAMS.keys()].join(", ")}; configuration is by environment\n`,
  );
  process.exit(2);
}
await program();
