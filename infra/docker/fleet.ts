/** A simulated fleet in a container: its exporters are what the scraper can be tried with. */
import { DEFAULT_FLEET, type FleetOptions } from "../../data/fleet/options.ts";
import { serveUntilStopped } from "../../data/fleet/serve-until-stopped.ts";

/** Port of dcgm-exporter. */
const PORT = 9400;
/** The process ends then, and begins another day when it is restarted. */
const DURATION_MS = 86_400_000;
/** Prometheus waits ten seconds by default, and so does the scraper. */
const SLOW_MS = 12_000;

/** Eight hosts with everything that can happen to them. */
const fleet = (): FleetOptions => ({
  ...DEFAULT_FLEET,
  hosts: 8,
  startMs: Date.now(),
  durationMs: DURATION_MS,
  mig: true,
  timeSlicing: true,
  faults: true,
});

export const runFleet = (): Promise<void> =>
  serveUntilStopped(fleet(), { host: "0.0.0.0", port: PORT, ports: "one", speed: 1, slowMs: SLOW_MS });
