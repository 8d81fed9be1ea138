/** The environment variables of our services, found by running the config readers of each. */
import { readGatewayConfig } from "../../../services/api-gateway/config.ts";
import { readCollectorProcessConfig } from "../../../services/collector/config.ts";
import { readInventoryConfig } from "../../../services/inventory/config.ts";
import type { Env } from "../../../services/platform/process/env.ts";
import { readQueueServiceConfig } from "../../../services/queue-service/config.ts";
import { readScraperProcessConfig } from "../../../services/scraper/config.ts";
import { readStreamerProcessConfig } from "../../../services/streamer/config.ts";
import { readTelemetryConfig } from "../../../services/telemetry/config.ts";

const TERMINAL = { isTerminal: false };

/** Config readers by the argument of the image that starts the service. Each throws ConfigError. */
export const PROGRAMS: Readonly<Record<string, (env: Env) => unknown>> = {
  "api-gateway": (env) => readGatewayConfig(env, TERMINAL),
  collector: (env) => readCollectorProcessConfig(env, TERMINAL),
  inventory: (env) => readInventoryConfig(env, TERMINAL),
  "queue-service": (env) => readQueueServiceConfig(env, TERMINAL),
  scraper: (env) => readScraperProcessConfig(env, TERMINAL),
  streamer: (env) => readStreamerProcessConfig(env, TERMINAL),
  telemetry: (env) => readTelemetryConfig(env, TERMINAL),
};

/** Returns the names of the variables that a service reads, sorted. */
export function variablesOf(program: string): readonly string[] {
  const read = PROGRAMS[program];
  if (read === undefined) throw new Error(`program must be one of ${Object.keys(PROGRAMS).join(", ")}, got ${program}`);
  const names = new Set<string>();
  const nothing = new Proxy({} as Env, { get: (_, name) => void names.add(String(name)) });
  read(nothing);
  return [...names].sort();
}
