/** Decides what `start` streams into which store, so that the sample never meets real data. */
import { existsSync } from "node:fs";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import { openRepository } from "../repository/open.ts";
import type { Repository } from "../repository/port.ts";
import { type AllInOneConfig, isScraping, storePlace } from "./config.ts";
import { SAMPLE_GPUS } from "./sample-gpus.ts";

/** The sample's own store, used unless the configuration names a store. */
const SAMPLE_PATH = ".data/sample.sqlite";

/** True if the store has a GPU that is not in the sample. */
export async function holdsRealData(repository: Pick<Repository, "gpus">): Promise<boolean> {
  const { gpus } = await repository.gpus({ limit: SAMPLE_GPUS.size + 1 });
  return gpus.some(({ uuid }) => !SAMPLE_GPUS.has(uuid));
}

/**
 * Without files, the sample is streamed into a store of its own. But if the configured store has real data, that store
 * is served and nothing is streamed.
 * @throws AppError `unavailable` if the store cannot be opened
 */
export async function chooseFeed(
  config: AllInOneConfig,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<AllInOneConfig> {
  const { feed, hasDefaultStore, backends } = config;
  const { store } = backends;
  const hint = "name files, or set CSV_PATH, to stream them";
  if (feed === "none" && !isScraping(config) && config.receiver.token === null)
    log.info("streaming nothing", { reason: "CSV_PATH is none", hint });
  if (feed !== "sample") return config;
  if (!hasDefaultStore || (store.kind === "sqlite" && existsSync(store.path))) {
    await using repository = await openRepository(store, { clock, log });
    if (await holdsRealData(repository)) {
      log.info("streaming nothing", { reason: "the store holds real data", store: storePlace(store), hint });
      return { ...config, feed: "none" };
    }
  }
  const own = hasDefaultStore && store.kind === "sqlite" ? { ...store, path: SAMPLE_PATH } : store;
  log.info("streaming the sample: simulated GPUs, no real data", { store: storePlace(own), hint });
  return { ...config, backends: { ...backends, store: own } };
}
