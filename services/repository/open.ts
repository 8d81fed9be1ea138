/** Opens the configured store. Called in `main.ts`; all other code uses the port. */
import type { Clock } from "../platform/process/clock.ts";
import type { Format } from "../platform/process/format.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { openMongodbRepository } from "./mongodb/repository.ts";
import type { Repository } from "./port.ts";
import { openSqliteRepository } from "./sqlite/repository.ts";

/** `retentionMs`: the age, by a reading's own time, at which the store drops it. 0 keeps everything. */
export type RepositoryConfig =
  | { readonly kind: "sqlite"; readonly path: string; readonly retentionMs: number }
  | {
      readonly kind: "mongodb";
      /** May hold a password. */
      readonly url: string;
      readonly database: string;
      readonly poolSize: number;
      readonly retentionMs: number;
      /** Version of the buckets to write; 1 while older releases read the store. */
      readonly format: Format;
    };

export interface RepositoryParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/** @throws AppError `unavailable` when the store cannot be opened; the message names the store and what to do */
export async function openRepository(config: RepositoryConfig, parts: RepositoryParts): Promise<Repository> {
  switch (config.kind) {
    case "sqlite":
      return openSqliteRepository(config, parts);
    case "mongodb":
      return openMongodbRepository(config, parts);
    default:
      return config satisfies never;
  }
}
