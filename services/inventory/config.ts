/** Configuration of inventory, read from the environment. */
import { readSubgraphConfig, type SubgraphConfig } from "../platform/graphql/config.ts";
import { type Env, gatherConfigs } from "../platform/process/env.ts";
import { readStoreConfig } from "../repository/config.ts";
import type { RepositoryConfig } from "../repository/open.ts";

export interface InventoryConfig extends SubgraphConfig {
  readonly store: RepositoryConfig;
}

/** @throws ConfigError with every problem found */
export function readInventoryConfig(env: Env, terminal: { isTerminal: boolean }): InventoryConfig {
  const { store, subgraph } = gatherConfigs({
    store: () => readStoreConfig(env),
    subgraph: () => readSubgraphConfig(env, terminal),
  });
  return { store, ...subgraph };
}
