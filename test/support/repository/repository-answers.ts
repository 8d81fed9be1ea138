/**
 * Asks a store every question. As a program, on Bun or Deno, it prints the answers as JSON.
 * Argument: the store's configuration in JSON.
 */
import process from "node:process";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository, type RepositoryConfig } from "../../../services/repository/open.ts";
import {
  batchOf,
  ENGINE_3,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type Row,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "../../conformance/repository/bench.ts";
import { heldIn } from "./held-in.ts";

const GPUS = 5;
const rowsOfPart = (part: number): Row[] =>
  Array.from({ length: 200 }, (_, index): Row[] => {
    const at = ((index * 7919) % 997) * (HOUR / 100);
    const facts = factsOf(index % GPUS, heldBy(at < 4 * HOUR ? "a" : null));
    return [
      [UTIL, at, index / 7 + part, facts],
      [part % 2 === 0 ? TEMP : ENGINE_3, at, -1e-9 * index, facts],
    ];
  }).flat();

/** Fills an empty store first. */
export async function repositoryAnswers(store: RepositoryConfig): Promise<string> {
  await using repository = await openRepository(store, { clock: systemClock, log: silentLogger });
  if ((await repository.position("csv@0/1")) === null) {
    for (const part of [2, 0, 1, 2]) {
      const positions = [{ producer: "csv@0/1", epoch: 1, seq: part, position: `after ${part}` }];
      await repository.save([batchOf(rowsOfPart(part))], { positions });
    }
  }
  const gpus = Array.from({ length: GPUS }, (_, number) => uuidOf(number));
  const first = await repository.readings(GPU, ALL_TIME, { limit: 7 });
  return JSON.stringify({
    all: await repository.readings(GPU, ALL_TIME, { limit: 10_000 }),
    second: await repository.readings(GPU, ALL_TIME, { limit: 7, after: first.next ?? undefined }),
    window: await repository.readings(GPU, windowOf(HOUR, 3 * HOUR), { limit: 50, order: "oldest", metrics: [UTIL] }),
    latest: [...(await repository.latest(gpus))],
    gpus: await repository.gpus({ limit: 3, filter: { hostname: "host-0" } }),
    known: await repository.gpusByUuid(gpus),
    hosts: await repository.hosts(),
    attributions: await heldIn(repository, GPU, ALL_TIME),
    position: await repository.position("csv@0/1"),
  });
}

if (import.meta.main) {
  const [store = ""] = process.argv.slice(2);
  console.log(await repositoryAnswers(JSON.parse(store) as RepositoryConfig));
}
