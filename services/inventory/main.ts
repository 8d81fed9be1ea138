/** The program `inventory`: runs the inventory subgraph as its own process. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openRepository } from "../repository/open.ts";
import { readInventoryConfig } from "./config.ts";
import { runInventory } from "./service.ts";

await runProgram("inventory", {
  read: () => readInventoryConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    await using repository = await openRepository(config.store, { clock: systemClock, log, metrics });
    return await runInventory(config, { repository, log, metrics, signal });
  },
});
