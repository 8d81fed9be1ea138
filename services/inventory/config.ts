/** What inventory reads from the environment. */
import { type Env, gatherConfigs } from "../platform/env.ts";
import { readSubgraphConfig, type SubgraphConfig } from "../platform/subgraph-config.ts";
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
