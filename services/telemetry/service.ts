/** Runs the telemetry subgraph on a store and a live feed that `main.ts` has opened. */
import type { LiveFeed } from "../live-feed/port.ts";
import { runSubgraph, type SubgraphParts } from "../platform/graphql/service.ts";
import { healthOf } from "../platform/http/health.ts";
import type { Repository } from "../repository/port.ts";
import type { TelemetryConfig } from "./config.ts";
import { createTelemetrySchema } from "./schema.ts";

export interface TelemetryServiceParts extends Omit<SubgraphParts, "health"> {
  readonly repository: Repository;
  readonly feed: LiveFeed;
}

/** Serves until the signal aborts. @throws AppError `unavailable` when the address is in use */
export const runTelemetry = (
  config: TelemetryConfig,
  { repository, feed, ...parts }: TelemetryServiceParts,
): Promise<number> =>
  runSubgraph(createTelemetrySchema({ repository, feed }), config, {
    ...parts,
    health: () => healthOf({ store: () => repository.ping(), "live feed": () => feed.ping() }),
  });
