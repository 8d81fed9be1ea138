/** Runs the inventory subgraph on a store that `main.ts` has opened. */
import { runSubgraph, type SubgraphParts } from "../platform/graphql/service.ts";
import { healthOf } from "../platform/http/health.ts";
import type { Repository } from "../repository/port.ts";
import type { InventoryConfig } from "./config.ts";
import { createInventorySchema } from "./schema.ts";

export interface InventoryParts extends Omit<SubgraphParts, "health"> {
  readonly repository: Repository;
}

/** Serves until the signal aborts. @throws AppError `unavailable` when the address is in use */
export const runInventory = (config: InventoryConfig, { repository, ...parts }: InventoryParts): Promise<number> =>
  runSubgraph(createInventorySchema({ repository }), config, {
    ...parts,
    health: () => healthOf({ store: () => repository.ping() }),
  });
