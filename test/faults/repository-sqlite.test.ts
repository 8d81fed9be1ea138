/** SQLite stores whose writers are killed, or write at the same time. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Series } from "../../schema/model/reading.ts";
import { ALL_TIME } from "../../schema/model/window.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository } from "../../services/repository/open.ts";
import type { ReadingCursor, Repository } from "../../services/repository/port.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { onRuntime, startProgram } from "../support/programs/process.ts";
import { heldIn, nameOf } from "../support/repository/held-in.ts";
import { WRITTEN_GPUS, writtenBatch, writtenGpu, writtenReadings } from "../support/repository/repository-writer.ts";
import { seeded } from "../support/time/seeded.ts";

const KILLS = 20;
/** Batches that a writer saves unless it is killed before. */
const LIFE = 12;
const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
const TEMP = "DCGM_FI_DEV_GPU_TEMP" as Series;

const open = (path: string): Promise<Repository> =>
  openRepository({ kind: "sqlite", path, retentionMs: 0 }, { clock: systemClock, log: silentLogger });

const startWriter = (path: string, producer: string, series: Series, last: number) =>
  startProgram(onRuntime("bun", "test/support/repository/repository-writer.ts", path, producer, series, String(last)));

async function storedReadings(repository: Repository, gpu: number, series: Series): Promise<[number, number][]> {
  const stored: [number, number][] = [];
  let after: ReadingCursor | undefined;
  do {
    const query = { metrics: [series], limit: 10_000, order: "oldest", after } as const;
    const page = await repository.readings(writtenGpu(gpu), ALL_TIME, query);
    stored.push(...page.readings.map(({ at, value }): [number, number] => [at, value]));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return stored;
}

test(`SQLite store has exactly the readings up to its position after its writer is killed ${KILLS} times`, async () => {
  const random = seeded("SQLite kills");
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  let underWay = 0;
  let seq = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    await using writer = startWriter(path, "csv@0/1", UTIL, seq + LIFE);
    const victim = seq + 1 + Math.floor(random() * LIFE);
    await writer.logLine(({ seq }) => Number(seq) >= victim, { what: `the save of batch ${victim}` });
    // A save takes a few milliseconds: kill the writer at a random moment of it.
    await new Promise((resolve) => setTimeout(resolve, random() * 4));
    writer.kill("SIGKILL");
    await writer.exited;

    await using repository = await open(path);
    seq = (await repository.position("csv@0/1"))?.seq ?? 0;
    const said = Number(/"seq":(\d+)\}\s*$/.exec(writer.output.stdout)?.[1]);
    if (seq < said) underWay++;
    expect(seq).toBeGreaterThanOrEqual(victim - 1);
    for (let gpu = 0; gpu < WRITTEN_GPUS; gpu++) {
      expect(await storedReadings(repository, gpu, UTIL)).toEqual(writtenReadings(seq));
    }
    if (seq > 0) expect(await repository.save([writtenBatch("csv@0/1", UTIL, seq)])).toMatchObject({ buckets: 0 });
  }
  console.log(`SQLite kills: ${underWay} of ${KILLS} with a batch under way`);
}, 120_000);

test("SQLite store loses nothing of two processes that write at the same time", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const last = 60;
  await using one = startWriter(path, "csv@0/2", UTIL, last);
  await using other = startWriter(path, "csv@1/2", TEMP, last);
  await using repository = await open(path);
  expect([await one.exited, await other.exited]).toEqual([0, 0]);
  expect([one.output.stderr, other.output.stderr]).toEqual(["", ""]);
  for (const [producer, series] of [
    ["csv@0/2", UTIL],
    ["csv@1/2", TEMP],
  ] as const) {
    expect(await repository.position(producer)).toMatchObject({ seq: last });
    for (let gpu = 0; gpu < WRITTEN_GPUS; gpu += 13) {
      expect(await storedReadings(repository, gpu, series)).toEqual(writtenReadings(last));
    }
  }
  const latest = (await repository.latest([writtenGpu(7)])).get(writtenGpu(7));
  expect(latest?.map(({ series, value }) => [series, value])).toEqual([
    [TEMP, last * 25 - 1],
    [UTIL, last * 25 - 1],
  ]);
  const held = await heldIn(repository, writtenGpu(7), ALL_TIME);
  expect(held.map(nameOf)).toEqual(["pod-0", "pod-1", "pod-2", "pod-3", "pod-4", "pod-5", "pod-6"]);
  expect((await repository.gpus({ limit: 1 })).total).toBe(WRITTEN_GPUS);
}, 120_000);
