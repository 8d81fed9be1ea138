/**
 * A store that version 1 wrote, after the upgrade. The fixture holds six seconds of two GPUs, saved as batches of
 * version 1 in two calls: GPU 1 with pod a, a, a, none, b, b, and GPU 2 without a holder.
 */
import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { MIGRATIONS } from "../../../services/repository/sqlite/migrations.ts";
import {
  batchOf,
  factsOf,
  GPU,
  heldBy,
  podOf,
  type Row,
  read,
  START,
  TEMP,
  UTIL,
  uuidOf,
} from "../../conformance/repository/bench.ts";
import { intervals } from "../../conformance/repository/held-bench.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ROOT } from "../../support/programs/process.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";

const PODS = ["a", "a", "a", null, "b", "b"];

async function withEarlierStore(work: (repository: Repository, path: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await writeFile(path, gunzipSync(await readFile(join(ROOT, "test/fixtures/store-v1.sqlite.gz"))));
  await using repository = await openStore(path);
  await work(repository, path);
}

const earlierBatch = (from: number, to: number) =>
  batchOf(
    PODS.slice(from, to).flatMap((pod, place): Row[] => {
      const second = from + place;
      const facts = factsOf(1, heldBy(pod));
      return [
        [UTIL, second * 1000, second, facts],
        [TEMP, second * 1000, 30 + second, facts],
        [UTIL, second * 1000, 50, factsOf(2)],
      ];
    }),
    { v: 1 },
  );

test("SQLite store of version 1 answers as before after the upgrade", async () => {
  await withEarlierStore(async (repository) => {
    expect((await read(repository, { metrics: [UTIL], order: "oldest" })).map(([, at, value]) => [at, value])).toEqual(
      PODS.map((_, second) => [second * 1000, second]),
    );
    expect((await repository.latest([GPU])).get(GPU)?.map(({ value }) => value)).toEqual([35, 5]);
    expect(await repository.position("csv@0/1")).toMatchObject({ epoch: 1, seq: 2, position: "after 2" });
    const { gpus } = await repository.gpus({ limit: 10 });
    expect(gpus).toMatchObject([
      { uuid: GPU, host: "host-0", index: "1", holders: [podOf("b")], instances: [], firstSeen: START },
      { uuid: uuidOf(2), host: "host-0", index: "2", holders: [], instances: [], lastSeen: START + 5000 },
    ]);
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual([
      { gpu: GPU, instance: null, holder: podOf("a"), from: START, to: START + 2000, isOpen: false },
      { gpu: GPU, instance: null, holder: podOf("b"), from: START + 4000, to: START + 5000, isOpen: true },
    ]);
    expect(await repository.placements({ host: "host-0" }, ALL_TIME)).toMatchObject([
      { gpu: GPU, index: "1", from: START, to: START + 5000, isCurrent: true },
      { gpu: uuidOf(2), index: "2", from: START, to: START + 5000, isCurrent: true },
    ]);
    expect(await repository.hosts()).toMatchObject([{ hostname: "host-0", gpus: 2, lost: 0 }]);
  });
});

test("SQLite store of version 1 takes its own batches again as duplicates", async () => {
  await withEarlierStore(async (repository) => {
    const before = await heldIn(repository, GPU, ALL_TIME);
    for (const batch of [earlierBatch(0, 4), earlierBatch(4, 6)]) {
      expect(await repository.save([batch])).toMatchObject({ buckets: 0, duplicateBuckets: 2 });
    }
    expect(await heldIn(repository, GPU, ALL_TIME)).toEqual(before);
  });
});

test("SQLite store of version 1 continues its holds", async () => {
  await withEarlierStore(async (repository) => {
    const seen = (second: number, pod: string) =>
      repository.save([batchOf([[UTIL, second * 1000, 1, factsOf(1, heldBy(pod))]])]);
    await seen(6, "b");
    await seen(7, "b");
    expect(await intervals({ repository })).toEqual([
      ["a", 0, 2],
      ["b", 4, 7],
    ]);
    await seen(8, "c");
    expect(await intervals({ repository })).toEqual([
      ["a", 0, 2],
      ["b", 4, 7],
      ["c", 8, 8],
    ]);
  });
});

test("SQLite store of version 1 uses its attributions as evidence when older readings arrive", async () => {
  await withEarlierStore(async (repository) => {
    await repository.save([batchOf([[UTIL, 1500, 1, factsOf(1, heldBy("c"))]])]);
    expect(await intervals({ repository })).toEqual([
      ["a", 0, 1],
      ["c", 1.5, 1.5],
      ["a", 2, 2],
      ["b", 4, 5],
    ]);
  });
});

test("SQLite store of version 1 stays one when its upgrade is interrupted, and is upgraded by the next start", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await writeFile(path, gunzipSync(await readFile(join(ROOT, "test/fixtures/store-v1.sqlite.gz"))));
  {
    using interrupted = new DatabaseSync(path);
    interrupted.exec("BEGIN IMMEDIATE");
    interrupted.exec(MIGRATIONS[1] as string);
    // Closed without a commit, as by a kill.
  }
  const versionOf = () => {
    using database = new DatabaseSync(path);
    return database.prepare("PRAGMA user_version").get()?.user_version;
  };
  expect(versionOf()).toBe(1);
  const stores = await Promise.all([openStore(path), openStore(path)]);
  for (const repository of stores) expect(await intervals({ repository })).toHaveLength(2);
  for (const repository of stores) await repository[Symbol.asyncDispose]();
  expect(versionOf()).toBe(2);
});
