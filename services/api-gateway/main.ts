/** The program `api-gateway`: the API over subgraphs in other processes. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { readGatewayConfig } from "./config.ts";
import { runGateway } from "./service.ts";

await runProgram("api-gateway", {
  read: () => readGatewayConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: (config, { log, signal }) => runGateway(config, { log, metrics: createMetrics(), clock: systemClock, signal }),
});
